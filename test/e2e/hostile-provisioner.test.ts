import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { attempt, hold } from '../support/hostile.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { addVersion, createHost, createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

/**
 * Whoever owns a database that carries a template is a member of the role that owns the template's tables, and its code
 * may run in Rowhouse's own sessions there. Neither may become a login that outlives the owner's.
 */
const world = await startWorld();
const { api, server } = world;
const neighbour = await createDatabase(world);
const template = await createTemplate(world);
const templateId = template.id;

const PASSWORD = 'planted-by-the-owner';
const PATIENT = "SET statement_timeout = '60s'";

const own = () => createTenant(world, { isolation: 'database', templateId, ownerEmail: 'o@example.com' });
const roleOf = (tenant: NewTenant, name: string) => `${tenant.database_name}_${name}`;

/** What both ports say to a role of the tenant's database with the planted password. */
async function refusals(tenant: NewTenant, name: string): Promise<(string | null)[]> {
  const options = { user: roleOf(tenant, name), password: PASSWORD };
  return [
    await loginError(tenant.connection_string, options),
    await loginError(tenant.connection_string_pooled, options),
  ];
}

const REFUSED = expect.stringMatching(/^(28000|28P01|08P01)$/);

test.each(['suspend', 'rotate-credentials', 'repair'])('is no login before and after: %s', async (verb) => {
  const tenant = await own();
  const provisioner = roleOf(tenant, 'provisioner');
  await query(
    tenant.connection_string,
    `SET ROLE ${provisioner}; ALTER ROLE ${provisioner} PASSWORD '${PASSWORD}'`,
  );
  expect(await refusals(tenant, 'provisioner')).toEqual([REFUSED, REFUSED]);

  if (verb === 'repair') await reconcile({ repair: true });
  else (await api.post(`/api/tenants/${tenant.id}/${verb}`)).expect(200);

  expect(await refusals(tenant, 'provisioner')).toEqual([REFUSED, REFUSED]);
  expect(await refusals(tenant, 'worker')).toEqual([REFUSED, REFUSED]);
});

test('code of the owner in a session of Rowhouse gives its password to nobody', async () => {
  const tenant = await own();
  const worker = roleOf(tenant, 'worker');
  await query(
    tenant.connection_string,
    `SET ROLE ${roleOf(tenant, 'provisioner')};
     CREATE TABLE seen (who text);
     CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       SET ROLE NONE;
       EXECUTE 'ALTER ROLE ${worker} PASSWORD ''${PASSWORD}''';
       RESET ROLE;
       INSERT INTO seen VALUES (session_user);
       RETURN NEW; END $$;
     CREATE TRIGGER plant BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION plant()`,
  );
  await addVersion(world, template, "INSERT INTO products (name) VALUES ('from the template')");
  let isOver = false;
  const migration = api.post('/api/migrations', { templateId }).finally(() => {
    isOver = true;
  });
  const admitted: string[] = [];
  while (!isOver) {
    for (const refusal of await refusals(tenant, 'worker')) if (refusal === null) admitted.push('worker');
    await pause(1);
  }
  (await migration).expect(201);

  expect(await query(tenant.connection_string, 'SELECT who FROM seen')).toEqual([{ who: worker }]);
  expect(await refusals(tenant, 'worker')).toEqual([REFUSED, REFUSED]);
  const sessions = await server.query('SELECT FROM pg_stat_activity WHERE usename = $1 AND query !~ $2', [
    worker,
    'rowhouse',
  ]);
  expect(admitted).toEqual([]);
  expect(sessions.length).toBeLessThanOrEqual(80);
  // Rowhouse itself still gets in.
  (await api.post(`/api/tenants/${tenant.id}/clone`, { slug: `${tenant.slug}-copy`, withData: true })).expect(
    409,
  );
});

test('a session of a worker that Rowhouse did not open is ended', async () => {
  const tenant = await own();
  const worker = roleOf(tenant, 'worker');
  await server.query(`ALTER ROLE ${worker} LOGIN PASSWORD '${PASSWORD}'`);
  const intruder = await connect(tenant.connection_string, { user: worker, password: PASSWORD });
  await intruder.query("SET application_name = 'rowhouse'");

  await until('the intruder is out', async () => (await errorCodeOf(intruder.query('SELECT 1'))) !== null, {
    timeoutMs: 40_000,
  });
  expect(await refusals(tenant, 'worker')).toEqual([null, REFUSED]);
  await server.query(`ALTER ROLE ${worker} NOLOGIN PASSWORD NULL`);
});

test('who acts as the provisioner is ended with the suspension, and its locks with it', async () => {
  const tenant = await own();
  const session = await hold(
    tenant.connection_string,
    `SET idle_in_transaction_session_timeout = 0`,
    `SET ROLE ${roleOf(tenant, 'provisioner')}`,
    'BEGIN',
    'LOCK TABLE shared.schema_versions, products',
  );

  (await api.post(`/api/tenants/${tenant.id}/suspend`)).expect(200);

  expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await server.query('SELECT FROM pg_stat_activity WHERE usename = $1', [tenant.username])).toEqual(
    [],
  );
});

describe('the lock table', () => {
  let tenant: NewTenant;
  afterEach(async () => {
    await until('the tenant is in again', () => canLogin(tenant.connection_string), { timeoutMs: 40_000 });
  });

  test('is not for whoever acts as the provisioner', async () => {
    tenant = await own();
    const session = await connect(tenant.connection_string);
    await session.query(`${PATIENT}; SET ROLE ${roleOf(tenant, 'provisioner')}`);

    const take = 'SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 3000000) g';
    expect(await errorCodeOf(session.query(take))).toMatch(/^(53200|57P01)$/);

    await until('the session is ended', async () => {
      const alive = await server.query('SELECT FROM pg_stat_activity WHERE usename = $1', [tenant.username]);
      return alive.length === 0;
    });
    expect(await canLogin(neighbour.connection_string)).toBe(true);
  });
});

test('a server of an earlier release is closed at the start, and reconciled', async () => {
  const tenant = await own();
  const provisioner = roleOf(tenant, 'provisioner');
  await server.query(`ALTER ROLE ${provisioner} LOGIN PASSWORD '${PASSWORD}'`);
  await server.query(`DROP OWNED BY ${roleOf(tenant, 'worker')}`);
  const old = await connect(tenant.connection_string, { user: provisioner, password: PASSWORD });

  await world.app.stop();
  await server.query(`DROP ROLE ${roleOf(tenant, 'worker')}`);
  await world.app.start();

  expect(await errorCodeOf(old.query('SELECT 1'))).not.toBeNull();
  expect(await refusals(tenant, 'provisioner')).toEqual([REFUSED, REFUSED]);
  (await api.get(`/api/templates/${templateId}/drift`)).expect(200);

  await server.query(`ALTER ROLE ${provisioner} LOGIN`);
  const finding = { kind: 'host_role_drifted', name: provisioner, detail: 'It can log in.' };
  expect(await reconcile({})).toContainEqual(expect.objectContaining({ ...finding, repair: 'needed' }));
  expect(await reconcile({ repair: true })).toContainEqual(
    expect.objectContaining({ ...finding, repair: 'done' }),
  );
  expect(await refusals(tenant, 'provisioner')).toEqual([REFUSED, REFUSED]);
});

test('what the shared login of a host changed of its tenants is put back when it is rotated', async () => {
  const { database, host } = await createHost(world);
  const tenant = await createTenant(world, { templateId, databaseId: database.id });
  const planted = { password: PASSWORD };
  const session = await hold(
    host.app.connection_string,
    `SET ROLE ${tenant.username}`,
    `ALTER ROLE ${tenant.username} PASSWORD '${PASSWORD}'`,
  );
  const guest = await connect(tenant.connection_string, planted);

  (await api.post(`/api/databases/${database.id}/host/rotate-credentials`, { role: 'app' })).expect(200);

  expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await errorCodeOf(guest.query('SELECT 1'))).not.toBeNull();
  expect(await canLogin(tenant.connection_string, planted)).toBe(false);
  expect(await canLogin(tenant.connection_string)).toBe(true);
  expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
});

test.each(['app', 'readonly'] as const)('reconciliation puts back the password of %s', async (name) => {
  const { database, host } = await createHost(world);
  await query(host[name].connection_string, `BEGIN READ WRITE; ALTER ROLE CURRENT_USER PASSWORD 'x'; COMMIT`);
  expect(await canLogin(host[name].connection_string)).toBe(false);

  const findings = await reconcile({ repair: true });

  const username = `${database.database_name}_${name}`;
  const finding = { kind: 'role_password_drifted', name: username, repair: 'done' };
  expect(findings).toContainEqual(expect.objectContaining(finding));
  expect(await canLogin(host[name].connection_string)).toBe(true);
});

test('a tenant in a schema and the owner of its host become no provisioner and no worker', async () => {
  const inSchema = await createTenant(world, { templateId });
  for (const name of ['provisioner', 'worker']) {
    const sql = `SET ROLE ${roleOf(inSchema, name)}`;
    expect((await attempt(inSchema.connection_string, sql)).refusal).toBe('42501');
  }
  const tenant = await own();
  const worker = roleOf(tenant, 'worker');
  for (const sql of [
    `SET ROLE ${worker}`,
    `ALTER ROLE ${worker} PASSWORD 'x'`,
    `GRANT ${worker} TO CURRENT_USER`,
    `SET ROLE ${roleOf(tenant, 'provisioner')}; GRANT ${roleOf(tenant, 'provisioner')} TO ${neighbour.username}`,
  ])
    expect((await attempt(tenant.connection_string, sql)).refusal, sql).toBe('42501');
});

async function reconcile(body: object) {
  const { data } = (await api.get<{ id: string }[]>('/api/servers')).expect(200);
  const answer = await api.post<{ findings: unknown[] }>(`/api/servers/${data[0]?.id}/reconcile`, body);
  return answer.expect(200).data.findings;
}
