import { afterAll, beforeAll, expect, test } from 'vitest';
import { whileKilled } from '../support/faults.js';
import { Fleet } from '../support/migrations.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const TENANTS = 40;
const env = { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '0', TENANT_WARM_POOL_SIZE: '0' };
const world = await startWorld({ app: 'child', durable: true, env });

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.create(world, [TENANTS]);
});
afterAll(() => fleet?.end());

/** Begins a migration, kills the process in the middle of it, starts another one, and waits for the end. */
async function crashInTheMiddle(): Promise<string> {
  const id = await fleet.begin({ strategy: { canary: 0, connections: 3 } });
  await until('some are through', async () => (await fleet.get(id)).totals.succeeded > 5, { everyMs: 10 });
  await world.app.kill();
  await world.app.start();
  const before = await fleet.get(id);
  expect(before.totals.pending).toBeGreaterThan(0);
  await until('the migration has ended', async () => (await fleet.get(id)).state === 'succeeded', {
    timeoutMs: 30_000,
  });
  return id;
}

test('killed in the middle, it goes on, and no tenant gets a version twice', async () => {
  const version = await fleet.addVersion(
    'SELECT pg_sleep(0.05); INSERT INTO products (id) SELECT 1 + count(*) FROM products',
  );

  const id = await crashInTheMiddle();

  expect((await fleet.get(id)).totals).toMatchObject({ succeeded: TENANTS, failed: 0 });
  await fleet.expectAllAt(version);
  for (const tenant of fleet.tenants) {
    expect(await fleet.inTenant(tenant, 'SELECT id FROM $schema.products')).toEqual([{ id: 1 }]);
  }
});

test('killed among statements that commit one by one, it goes on behind the last of them', async () => {
  const version = await fleet.addOnlineVersion([
    { sql: 'CREATE INDEX CONCURRENTLY a ON products (id, sku)', action: 'create_index', index: 'a' },
    { sql: 'DROP INDEX CONCURRENTLY a', action: 'drop_index', index: 'a' },
    { sql: 'CREATE INDEX CONCURRENTLY b ON products (sku)', action: 'create_index', index: 'b' },
  ]);

  await crashInTheMiddle();

  await fleet.expectAllAt(version);
  for (const tenant of fleet.tenants) {
    const indexes = await fleet.inTenant(
      tenant,
      `SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE c.relnamespace = '$schema'::regnamespace AND c.relname IN ('a', 'b')`,
    );
    expect(indexes).toEqual([{ name: 'b', valid: true }]);
  }
});

test('goes on when PostgreSQL has crashed in the middle of it', async () => {
  const version = await fleet.addVersion('SELECT pg_sleep(0.05); UPDATE products SET sku = sku || id::text');
  const id = await fleet.begin({ strategy: { canary: 0, connections: 3 } });
  await until('some are through', async () => (await fleet.get(id)).totals.succeeded > 5, { everyMs: 10 });

  await whileKilled(world, 'postgres', async () => {});

  await until('the migration has ended', async () => (await fleet.get(id)).state === 'succeeded', {
    timeoutMs: 30_000,
  });
  await fleet.expectAllAt(version);
});

test('goes on when a session ends that had tenants to report', async () => {
  const tenant = fleet.tenant(3);
  await fleet.inTenant(tenant, 'CREATE SEQUENCE $schema.visits');
  await fleet.inTenant(tenant, 'GRANT USAGE ON SEQUENCE $schema.visits TO PUBLIC');
  const version = await fleet.addVersion(`INSERT INTO settings (key, value) VALUES ('visited', 'once');
    DO $$ BEGIN
      IF to_regclass('visits') IS NOT NULL THEN
        IF nextval('visits') = 1 THEN
          EXECUTE 'SET ROLE NONE';
          PERFORM pg_terminate_backend(pg_backend_pid());
        END IF;
      END IF;
    END $$`);

  const migration = await fleet.migrate({ strategy: { canary: 0, connections: 1 } });

  expect(migration).toMatchObject({ state: 'succeeded', totals: { succeeded: TENANTS, failed: 0 } });
  await fleet.expectAllAt(version);
});
