import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import type { ClientBase, PoolClient } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { withTenant } from '../../src/tenancy/pg.js';
import { startTenancy, TENANT_A } from './tenancy-fixture.js';

const tenancy = await startTenancy();
/** Every client of it shares one server connection, so whatever stays behind on that is met. */
const pool = tenancy.pool('pooled', { max: 1 });

const products = pgTable('products', { id: integer().primaryKey(), name: text().notNull() });

const refusal = (code: string) => expect.objectContaining({ name: 'TenancyError', code });
const add = (client: ClientBase, id: number, name: string) =>
  client.query('INSERT INTO products VALUES ($1, $2)', [id, name]);
const commandOf = async (client: ClientBase, statement: string) => (await client.query(statement)).command;
const isReadOnly = async (client: ClientBase) =>
  (await client.query('SHOW transaction_read_only')).rows[0].transaction_read_only === 'on';

afterEach(async () => {
  await tenancy.provisioning.admin(
    `DELETE FROM ${TENANT_A}.products WHERE id <> 1`,
    tenancy.host.databaseName,
  );
});

describe('a transaction that the work begins itself', () => {
  test.each([
    ['BEGIN', 'COMMIT', 'ROLLBACK'],
    ['start transaction read write', 'commit work', 'rollback transaction'],
    ['/* mine */ begin transaction;', 'END', 'ABORT'],
    ['BEGIN NOT DEFERRABLE', 'COMMIT AND NO CHAIN', 'ROLLBACK AND NO CHAIN'],
  ])('by %s and %s or %s is kept or undone by itself', async (begin, commit, rollBack) => {
    const commands = await withTenant(pool, TENANT_A, async (client) => {
      const seen = [await commandOf(client, begin)];
      await add(client, 2, 'kept');
      seen.push(await commandOf(client, commit), await commandOf(client, begin));
      await add(client, 3, 'undone');
      seen.push(await commandOf(client, rollBack));
      await add(client, 4, 'after');
      return seen;
    });

    expect(commands).toEqual(['BEGIN', 'COMMIT', 'BEGIN', 'ROLLBACK']);
    expect(await tenancy.names(TENANT_A)).toEqual(['after', 'kept', TENANT_A]);
  });

  test('survives a failed statement, once it is rolled back', async () => {
    await withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN');
      await expect(add(client, 1, 'taken')).rejects.toThrow(expect.objectContaining({ code: '23505' }));
      await expect(client.query('COMMIT')).rejects.toThrow(expect.objectContaining({ code: '25P02' }));
      await client.query('ROLLBACK');
      await add(client, 2, 'after');
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['after', TENANT_A]);
  });

  test('is undone with the work around it', async () => {
    const work = withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN');
      await add(client, 2, 'committed inside');
      await client.query('COMMIT');
      throw new Error('the application said no');
    });

    await expect(work).rejects.toThrow('the application said no');
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('and does not end takes everything with it', async () => {
    const work = withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN');
      await add(client, 2, 'two');
    });

    await expect(work).rejects.toThrow(refusal('UNFINISHED_TRANSACTION'));
    expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A]);
  });

  test('in a nested use does not end with that either, and the outer one goes on', async () => {
    await withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN');
      await add(client, 2, 'outer');
      const nested = withTenant(pool, TENANT_A, async (inner) => {
        await inner.query('BEGIN');
        await add(inner, 3, 'inner');
      });
      await expect(nested).rejects.toThrow(refusal('UNFINISHED_TRANSACTION'));
      await client.query('COMMIT');
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['outer', TENANT_A]);
  });

  test('may be read-only inside one that writes, for as long as it lasts', async () => {
    const seen = await withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN READ ONLY');
      const inside = await isReadOnly(client);
      await client.query('COMMIT');
      return [inside, await isReadOnly(client)];
    });

    expect(seen).toEqual([true, false]);
  });

  test('runs in the isolation level of the tenant’s', async () => {
    await withTenant(
      pool,
      TENANT_A,
      async (client) => {
        await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY');
        await client.query('COMMIT');
        await expect(client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')).rejects.toThrow(
          refusal('INVALID_OPTION'),
        );
      },
      { isolationLevel: 'serializable' },
    );
  });

  test('cannot write inside one that is read-only', async () => {
    await withTenant(
      pool,
      TENANT_A,
      async (client) => {
        await expect(client.query('BEGIN READ WRITE')).rejects.toThrow(refusal('INVALID_OPTION'));
      },
      { readOnly: true },
    );
  });

  test.each([
    'BEGIN',
    'COMMIT AND CHAIN',
    'ROLLBACK AND CHAIN',
    "PREPARE TRANSACTION 'x'",
    'COMMIT; SELECT 1',
  ])('refuses %s inside it, and goes on', async (statement) => {
    await withTenant(pool, TENANT_A, async (client) => {
      await client.query('BEGIN');
      await expect(client.query(statement)).rejects.toThrow(refusal('STATEMENT_REFUSED'));
      await add(client, 2, 'two');
      await client.query('COMMIT');
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['two', TENANT_A].sort());
  });

  test('keeps the order of statements that nobody awaits in between, and tells callbacks', async () => {
    await withTenant(pool, TENANT_A, async (client) => {
      const told = new Promise((resolve, reject) => {
        client.query('BEGIN', (error, result) => (error ? reject(error) : resolve(result.command)));
      });
      await Promise.all([
        add(client, 2, 'kept'),
        client.query('COMMIT'),
        client.query('BEGIN'),
        add(client, 3, 'undone'),
        client.query('ROLLBACK'),
      ]);
      expect(await told).toBe('BEGIN');
    });

    expect(await tenancy.names(TENANT_A)).toEqual(['kept', TENANT_A]);
  });

  test('cannot begin after a failed statement of the work', async () => {
    const work = withTenant(pool, TENANT_A, async (client) => {
      await client.query('SELECT 1 / 0').catch(() => {});
      await client.query('BEGIN');
    });

    await expect(work).rejects.toThrow(expect.objectContaining({ code: '25P02' }));
  });
});

test("drizzle's own transactions work, nested ones and failing ones too", async () => {
  await withTenant(pool, TENANT_A, async (client) => {
    const db = drizzle(client as PoolClient);
    await db.transaction(async (tx) => {
      await tx.insert(products).values({ id: 2, name: 'two' });
      await tx.transaction((deep) => deep.insert(products).values({ id: 3, name: 'three' }));
    });
    const failing = db.transaction(async (tx) => {
      await tx.insert(products).values({ id: 4, name: 'four' });
      await tx.execute(sql`SELECT 1 / 0`);
    });
    await expect(failing).rejects.toThrow();
    await db.transaction((tx) => tx.select().from(products), { accessMode: 'read only' });
  });

  expect(await tenancy.names(TENANT_A)).toEqual([TENANT_A, 'three', 'two']);
});
