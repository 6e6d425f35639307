import { describe, expect, test } from 'vitest';
import { randomHex } from '../../src/kernel/ids.js';
import { query, withClient } from '../support/sql.js';
import { addVersion, createHost, createTemplate, createTenant, type Template } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '1' } });
const { api } = world;

const VERSION_1 = `CREATE TYPE state AS ENUM ('new'); CREATE TABLE work (id int, s state DEFAULT 'new');`;

async function templateOf(versions: readonly string[]): Promise<Template> {
  const [first = '', ...others] = versions;
  const template = await createTemplate(world, [{ name: '01_work.sql', sql: first }]);
  for (const sql of others) await addVersion(world, template, sql);
  return { ...template, latest_version: versions.length };
}

/** As superuser, on the direct port. */
function urlOf(databaseName: string): string {
  const { host, port, adminUser, adminPassword } = world.config.server;
  return `postgresql://${adminUser}:${adminPassword}@${host}:${port}/${databaseName}`;
}

describe('a label that a version adds to an enum', () => {
  test.each([
    ['a default', `ALTER TABLE work ALTER s SET DEFAULT 'active'`],
    ['a constraint', `ALTER TABLE work ADD CHECK (s <> 'active' OR id > 0)`],
    ['a partial index', `CREATE INDEX work_active ON work (id) WHERE s = 'active'`],
    ['a view', `CREATE VIEW active WITH (security_invoker = true) AS SELECT id FROM work WHERE s = 'active'`],
    [
      'a function',
      `CREATE FUNCTION first_state() RETURNS state LANGUAGE sql AS $$ SELECT 'active'::state $$`,
    ],
    ['a row', `INSERT INTO work VALUES (1, 'active')`],
  ])('is of use to the next version: %s', async (_, sql) => {
    const template = await templateOf([VERSION_1, `ALTER TYPE state ADD VALUE 'active'`, sql]);

    const tenant = await createTenant(world, { templateId: template.id });

    expect(tenant.template_version).toBe(3);
    const [row] = await query(tenant.connection_string, 'SELECT enum_range(NULL::state)::text AS labels');
    expect(row?.labels).toBe('{new,active}');
  });

  test('is so in a version without a transaction, in stock, in a database of its own, in a clone and in a migration', async () => {
    const template = await templateOf([VERSION_1]);
    const old = await createTenant(world, { templateId: template.id });
    await addVersion(world, template, `ALTER TYPE state ADD VALUE 'active'`);
    const sql = `CREATE INDEX CONCURRENTLY work_active ON work (id) WHERE s = 'active'`;
    (await api.post(`/api/templates/${template.id}/versions`, { sql, transaction: false })).expect(201);

    const isStocked = await until('there is stock of version 3', async () => {
      const rows = await world.control.query(
        `SELECT FROM warm_schemas WHERE template_id = '${template.id}' AND template_version = 3 AND state = 'ready'`,
      );
      return rows.length > 0;
    });
    const stocked = await createTenant(world, { templateId: template.id });
    const own = await createTenant(world, { templateId: template.id, isolation: 'database' });
    (await api.post('/api/migrations', { templateId: template.id })).expect(201);
    await until('the old tenant is migrated', async () => {
      const { data } = await api.get<{ template_version: number }>(`/api/tenants/${old.id}`);
      return data.template_version === 3;
    });
    const clone = await api.post<typeof old>(`/api/tenants/${old.id}/clone`, {
      slug: `clone-${randomHex(4)}`,
      withData: true,
    });

    expect(isStocked).toBe(true);
    for (const { connection_string } of [old, stocked, own, clone.expect(201).data]) {
      expect(
        await query(
          connection_string,
          `SELECT indexdef ~ 'active' AS is_there FROM pg_indexes WHERE indexname = 'work_active' AND schemaname = current_schema()`,
        ),
      ).toEqual([{ is_there: true }]);
    }
  });

  test('is of use by hand after a commit, as the error says', async () => {
    const template = await templateOf([
      VERSION_1,
      `ALTER TYPE state ADD VALUE 'active'`,
      `ALTER TABLE work ALTER s SET DEFAULT 'active'`,
    ]);
    const { database_name } = await createTenant(world, { templateId: template.id });
    const schema = `hand_${randomHex(4)}`;

    await withClient(urlOf(database_name), async (client) => {
      await client.query(`SET ROLE ${database_name}_provisioner`);
      await client.query(`SELECT shared.create_tenant_schema('${schema}')`);
      const all = `SELECT shared.create_tenant_tables('${schema}', '${template.id}')`;
      await expect(client.query(all)).rejects.toMatchObject({
        code: '55P04',
        hint: 'Run the versions up to 2, with upto, and COMMIT, then the rest.',
      });
      await client.query(`SELECT shared.create_tenant_tables('${schema}', '${template.id}', 2)`);
      await client.query(all);
      const { rows } = await client.query(
        `SELECT version FROM shared.schema_versions WHERE schema_name = '${schema}' ORDER BY version`,
      );
      expect(rows.map(({ version }) => version)).toEqual([1, 2, 3]);
    });
  });
});

test.each([
  [
    'checks that wait for the commit',
    `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
     INSERT INTO b VALUES (1); INSERT INTO a VALUES (1)`,
    'ALTER TABLE b ADD COLUMN note text',
  ],
  [
    'temporary tables that go with the commit',
    'CREATE TEMP TABLE x (id int) ON COMMIT DROP; CREATE TABLE a AS SELECT * FROM x',
    'CREATE TEMP TABLE x (id int) ON COMMIT DROP; CREATE TABLE b AS SELECT * FROM x',
  ],
])('%s are done before the next version', async (_, first, second) => {
  const template = await templateOf([first, second]);

  expect((await createTenant(world, { templateId: template.id })).template_version).toBe(2);
});

test('a schema that a crash left between two versions is finished before anybody has it', async () => {
  const template = await templateOf([VERSION_1]);
  const { database } = await createHost(world);
  await createTenant(world, { templateId: template.id, databaseId: database.id, maxConnections: 3 });
  const stock = () =>
    world.control.query<{ schema_name: string; state: string; template_version: number }>(
      `SELECT schema_name, state, template_version FROM warm_schemas WHERE database_id = '${database.id}' AND state <> 'retired'`,
    );
  await until('there is stock', async () => (await stock()).some(({ state }) => state === 'ready'));

  await withClient(urlOf(database.database_name), async (client) => {
    const [counter] = await world.control.query<{ next: number }>(
      'SELECT (last_value + 1)::integer AS next FROM tenant_numbers',
    );
    const names = [0, 1, 2].map((at) => `tenant_${String(Number(counter?.next) + at).padStart(4, '0')}`);
    await client.query(
      `BEGIN; INSERT INTO shared.schema_versions (schema_name, template_id, version, checksum)
       SELECT name, '${template.id}', 2, '' FROM unnest(ARRAY['${names.join("','")}']) AS name`,
    );
    await addVersion(world, template, `ALTER TYPE state ADD VALUE 'active'`);
    const pid = await until('the making waits between two versions', async () => {
      const rows = await world.server.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = '${database.database_name}' AND wait_event_type = 'Lock'
           AND query LIKE 'SELECT shared.provision_tenant_schema%'`,
      );
      return rows[0]?.pid;
    });
    const [half] = await stock();
    expect(half).toMatchObject({ state: 'building', template_version: 2 });
    const { rows } = await client.query(
      `SELECT status FROM shared.tenants WHERE schema_name = '${half?.schema_name}'`,
    );
    expect(rows).toEqual([{ status: 'creating' }]);
    await world.server.query(`SELECT pg_terminate_backend(${pid})`);
    await client.query('ROLLBACK');
  });

  const isReady = async () => (await stock()).some(({ state }) => state === 'ready');
  await until('the stock is finished', isReady, { timeoutMs: 30_000 });
  const [ready] = await stock();
  const tenant = await createTenant(world, { templateId: template.id, databaseId: database.id });
  expect(tenant).toMatchObject({ schema_name: ready?.schema_name, template_version: 2 });
  expect(await query(tenant.connection_string, `SELECT 'active'::state AS s`)).toEqual([{ s: 'active' }]);
});
