import { expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { getsIn } from '../support/login-from.js';
import { createHost, createTemplate, createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { addRule, setRules, whitelistOf } from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

/** Homes are closed unless they say otherwise; those in stock are too. */
const world = await startWorld({
  env: { DEFAULT_ACCESS: 'closed', WARM_POOL_SIZE: '1', TENANT_WARM_POOL_SIZE: '1' },
});
const { api, control } = world;

type Home = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;

/** Whether 127.0.0.1 gets in on the direct and on the pooled port. */
function entries({ connection_string, connection_string_pooled }: Home): Promise<boolean[]> {
  const local = { from: '127.0.0.1', tls: true };
  return Promise.all([connection_string, connection_string_pooled].map((url) => getsIn(url, local)));
}

function untilInStock(table: 'warm_databases' | 'warm_schemas'): Promise<unknown> {
  const sql = `SELECT 1 FROM ${table} WHERE state = 'ready'`;
  return until(`there is one in ${table}`, async () => (await control.query(sql)).length > 0);
}

async function kindsOf({ id }: { id: string }): Promise<string[]> {
  const rows = await control.query<{ kind: string }>('SELECT kind FROM operations WHERE subject_id = $1', [
    id,
  ]);
  return rows.map(({ kind }) => kind);
}

test('a database from the stock is closed until it has a rule', async () => {
  await untilInStock('warm_databases');
  const database = await createDatabase(world);

  expect(await kindsOf(database)).toEqual(['database.claim']);
  expect(database).toMatchObject({ external_access: null, access: 'closed' });
  expect(await entries(database)).toEqual([false, false]);
  await addRule(world, whitelistOf(database), '127.0.0.1');
  expect(await entries(database)).toEqual([true, true]);
});

test('a database that is made otherwise is closed too', async () => {
  expect(await entries(await createDatabase(world, { maxConnections: 3 }))).toEqual([false, false]);
});

test('a database says that it is open, and takes that back', async () => {
  const database = await createDatabase(world, { externalAccess: true });
  expect(database).toMatchObject({ external_access: true, access: 'open' });
  expect(await entries(database)).toEqual([true, true]);

  (await api.patch(`/api/databases/${database.id}`, { externalAccess: null })).expect(200);

  expect(await entries(database)).toEqual([false, false]);
});

test('tenants are closed with their host, from the stock too, and open with it', async () => {
  const { database: host } = await createHost(world);
  const wish = { templateId: (await createTemplate(world)).id, databaseId: host.id };
  const cold = await createTenant(world, wish);
  await untilInStock('warm_schemas');
  const warm = await createTenant(world, wish);

  expect([await kindsOf(cold), await kindsOf(warm)]).toEqual([['tenant.create'], ['tenant.claim']]);
  for (const tenant of [cold, warm]) {
    expect(tenant).toMatchObject({ external_access: null, access: 'closed' });
    expect(await entries(tenant)).toEqual([false, false]);
  }
  (await api.patch(`/api/databases/${host.id}`, { externalAccess: true })).expect(200);
  expect([await entries(cold), await entries(warm)]).toEqual([
    [true, true],
    [true, true],
  ]);
});

test('a tenant from the stock of a host with rules goes by those from its first login', async () => {
  const template = await createTemplate(world);
  const first = await createTenant(world, { templateId: template.id });
  await setRules(world, whitelistOf({ id: first.database_id }), ['127.0.0.1']);
  await until('one was made since', async () => {
    const rows = await control.query(
      `SELECT 1 FROM warm_schemas WHERE state = 'ready' AND template_id = $1`,
      [template.id],
    );
    return rows.length > 0;
  });

  const warm = await createTenant(world, { templateId: template.id });

  expect(await kindsOf(warm)).toEqual(['tenant.claim']);
  expect(warm).toMatchObject({ access: 'restricted' });
  expect(await entries(warm)).toEqual([true, true]);
  const other = { from: '127.0.0.2', tls: true };
  expect(await getsIn(warm.connection_string, other)).toBe(false);
  expect(await getsIn(warm.connection_string_pooled, other)).toBe(false);
});
