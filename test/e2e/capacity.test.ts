import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { query, withClient } from '../support/sql.js';
import { createHost, createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

interface Capacity {
  database_name: string;
  schemas: number;
  tenants: number;
  warm_schemas: number;
  max_tenants: number | null;
  room: number | null;
  database_bytes: number;
  catalog_bytes: number;
  largest_catalogs: { name: string; bytes: number; dead_rows: number }[];
  objects: Record<string, number>;
  largest_tenants: {
    tenant_id: string;
    slug: string;
    schema_name: string;
    bytes: number;
    relations: number;
  }[];
  locks: { slots: number; whole_dump: number; widest_tenant_drop: number; widest_tenant: string };
  estimates: { tenant_dump_seconds: number; crash_restart_seconds: number };
  ages: { xid: number; multixact: number };
  advice: { code: string; severity: string; message: string }[];
}

const TEMPLATE = `
  CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
  CREATE TABLE movements (at timestamptz NOT NULL) PARTITION BY RANGE (at);
  CREATE TABLE movements_old PARTITION OF movements FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
  CREATE TABLE movements_rest PARTITION OF movements DEFAULT;`;

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;

async function capacityOf({ id }: { id: string }, search = ''): Promise<Capacity> {
  return (await api.get<Capacity>(`/api/databases/${id}/capacity${search}`)).expect(200).data;
}

const codesOf = ({ advice }: Capacity) => advice.map(({ code, severity }) => `${code} ${severity}`);

/** As superuser, on the direct port. */
function urlOf({ database_name }: Pick<NewDatabase, 'database_name'>): string {
  const { host, port, adminUser, adminPassword } = world.config.server;
  return `postgresql://${adminUser}:${adminPassword}@${host}:${port}/${database_name}`;
}

describe('the capacity of a tenant host', () => {
  let database: NewDatabase;
  let tenants: NewTenant[];

  beforeAll(async () => {
    const template = await createTemplate(world, [{ name: '01_products.sql', sql: TEMPLATE }]);
    database = (await createHost(world, { maxTenants: 4 })).database;
    tenants = [];
    for (let at = 0; at < 3; at += 1) {
      tenants.push(await createTenant(world, { templateId: template.id, databaseId: database.id }));
    }
  });

  const schemaOf = (at: number) => tenants[at]?.schema_name ?? '';

  test('counts what is there, as the catalogs do', async () => {
    const capacity = await capacityOf(database);

    const [counted] = await query(
      urlOf(database),
      `SELECT (SELECT count(*)::int FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema') AS schemas,
              (SELECT count(*)::int FROM pg_class WHERE relkind = 'r' AND oid >= 16384) AS tables,
              (SELECT count(*)::int FROM pg_class WHERE relkind = 'p') AS partitioned_tables,
              (SELECT count(*)::int FROM pg_class WHERE relkind = 'S') AS sequences`,
    );
    const { schemas, ...objects } = counted ?? {};
    expect(capacity).toMatchObject({
      schemas,
      objects,
      tenants: 3,
      warm_schemas: 0,
      max_tenants: 4,
      room: 1,
    });
    expect(capacity.database_bytes).toBeGreaterThan(capacity.catalog_bytes);
    expect(capacity.catalog_bytes).toBeGreaterThan(1_000_000);
    expect(capacity.largest_catalogs.map(({ name }) => name)).toContain('pg_attribute');
    expect(capacity.locks).toMatchObject({
      slots: 512 * 300,
      widest_tenant: expect.stringMatching(/^tenant_\d{4}$/),
    });
    expect(capacity.locks.whole_dump).toBe(Number(objects['tables']) + Number(objects['partitioned_tables']));
  });

  test('names the largest tenants, largest first', async () => {
    await query(
      tenants[1]?.connection_string ?? '',
      `INSERT INTO products (name) SELECT repeat('x', 1000) FROM generate_series(1, 2000)`,
    );

    const all = await capacityOf(database);
    const one = await capacityOf(database, '?top=1');

    expect(all.largest_tenants).toHaveLength(3);
    expect(one.largest_tenants).toEqual([
      expect.objectContaining({
        tenant_id: tenants[1]?.id,
        slug: tenants[1]?.slug,
        schema_name: schemaOf(1),
      }),
    ]);
    const [measured] = await query<{ bytes: number }>(
      urlOf(database),
      `SELECT sum(pg_relation_size(oid))::float8 AS bytes FROM pg_class
       WHERE relnamespace = '${schemaOf(1)}'::regnamespace AND relkind IN ('r', 'i', 'S')`,
    );
    expect(one.largest_tenants[0]?.bytes).toBeGreaterThan(2_000_000);
    expect(one.largest_tenants[0]?.bytes).toBeCloseTo(Number(measured?.bytes), -5);
  });

  test('advises before the last place is taken, and on rows that have no partition', async () => {
    expect(codesOf(await capacityOf(database))).toEqual([]);

    await query(tenants[0]?.connection_string ?? '', `INSERT INTO movements VALUES (now())`);
    await query(urlOf(database), `ANALYZE ${schemaOf(0)}.movements_rest`);
    (await api.patch(`/api/databases/${database.id}/host`, { maxTenants: 3 })).expect(200);

    const capacity = await capacityOf(database);
    expect(codesOf(capacity)).toEqual(['TENANTS_NEAR_LIMIT critical', 'DEFAULT_PARTITION_ROWS warn']);
    expect(capacity.advice[1]?.message).toContain(schemaOf(0));
  });

  test('does not wait for a locked table', async () => {
    await withClient(urlOf(database), async (client) => {
      await client.query(`BEGIN; LOCK TABLE ${schemaOf(2)}.products IN ACCESS EXCLUSIVE MODE`);

      const capacity = await capacityOf(database);

      expect(
        capacity.largest_tenants.find(({ schema_name }) => schema_name === schemaOf(2))?.bytes,
      ).toBeGreaterThan(0);
    });
  });
});

test('a database that is no host has a capacity too', async () => {
  const database = await createDatabase(world);
  await query(database.connection_string, 'CREATE TABLE notes (id serial PRIMARY KEY)');

  expect(await capacityOf(database)).toMatchObject({
    database_name: database.database_name,
    tenants: 0,
    max_tenants: null,
    room: null,
    objects: { total: 3, tables: 1, indexes: 1, sequences: 1 },
    largest_tenants: [],
    advice: [],
  });
});

test('nothing that the owner planted runs as administrator', async () => {
  const database = await createDatabase(world);
  await withClient(database.connection_string, async (client) => {
    await client.query(`
      CREATE SCHEMA trap;
      CREATE TABLE trap.caught (who text);
      CREATE FUNCTION trap.catch(anyelement) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN 'x'; END $$;
      CREATE FUNCTION trap.count(name) RETURNS int LANGUAGE sql AS 'INSERT INTO trap.caught VALUES (current_user) RETURNING 1';
      CREATE FUNCTION trap.same(name, name) RETURNS boolean LANGUAGE sql AS
        'INSERT INTO trap.caught VALUES (current_user) RETURNING true';
      CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.same);
      CREATE TABLE trap.pg_class (relname name);
      ALTER DATABASE ${database.database_name} SET search_path = trap, pg_catalog;
      ALTER DATABASE ${database.database_name} SET statement_timeout = '1ms'`);
  });

  const capacity = await capacityOf(database);

  expect(capacity.objects['tables']).toBe(2);
  const caught = await withClient(
    urlOf(database),
    async (client) => (await client.query('SELECT * FROM trap.caught')).rows,
    { options: '-c statement_timeout=0' },
  );
  expect(caught).toEqual([]);
});

test.each(['0', '101', 'all', '-1'])('top=%s is refused', async (top) => {
  const answer = await api.get(`/api/databases/${randomUUID()}/capacity?top=${top}`);

  expect(answer.status).toBe(400);
  expect(answer.badFields).toEqual(['top']);
});

test('of a database that is not there is 404', async () => {
  (await api.get(`/api/databases/${randomUUID()}/capacity`)).expect(404);
});
