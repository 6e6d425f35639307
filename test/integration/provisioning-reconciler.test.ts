import { expect, test } from 'vitest';
import { type MadeHome, startProvisioning } from './provisioning-fixture.js';

const fixture = await startProvisioning();
const { reconciler } = fixture;

async function kindsOf({ databaseName, username }: MadeHome): Promise<string[]> {
  const { findings } = await reconciler.report(fixture.server);
  return findings
    .filter(({ name }) => [databaseName, `${databaseName}_shadow`, username].includes(name))
    .map(({ kind }) => kind)
    .sort();
}

async function repair(): Promise<void> {
  const { findings } = await reconciler.reportAndRepair(fixture.server);
  expect(findings.filter((finding) => finding.repair === 'failed')).toEqual([]);
}

test('finds nothing wrong with homes as they are made, active or suspended', async () => {
  const active = await fixture.makeShadow(await fixture.make());
  const suspended = await fixture.make();
  await fixture.provisioner.disableLogin(fixture.server, suspended);
  await fixture.setStatus(suspended, 'suspended');

  expect(await kindsOf(active)).toEqual([]);
  expect(await kindsOf(suspended)).toEqual([]);
});

test('mends a role whose attributes, limit, timeouts and password were changed', async () => {
  const home = await fixture.make();
  await fixture.admin(`
    ALTER ROLE ${home.username} CREATEDB CONNECTION LIMIT 99 PASSWORD 'other';
    ALTER ROLE ${home.username} RESET lock_timeout`);
  expect(await kindsOf(home)).toEqual([
    'role_drifted',
    'role_drifted',
    'role_password_drifted',
    'role_settings_drifted',
  ]);

  await repair();

  expect(await kindsOf(home)).toEqual([]);
  expect(await fixture.canLogIn('direct', home)).toBe(true);
});

test('restores a password by itself, and nothing that an administrator may have meant', async () => {
  const changed = await fixture.make();
  const closed = await fixture.make();
  await fixture.admin(`
    ALTER ROLE ${changed.username} PASSWORD 'other';
    ALTER ROLE ${closed.username} NOLOGIN PASSWORD 'other'`);

  const { findings } = await reconciler.reportAndUndo(fixture.server);

  const repairs = findings.filter(({ name }) => [changed.username, closed.username].includes(name));
  expect(repairs.map(({ kind, repair: done }) => `${kind} ${done}`).sort()).toEqual([
    'role_drifted needed',
    'role_password_drifted done',
    'role_password_drifted needed',
  ]);
  expect(await kindsOf(changed)).toEqual([]);
  expect(await fixture.canLogIn('direct', changed)).toBe(true);
  expect(await fixture.canLogIn('direct', closed)).toBe(false);
});

test('takes the login of a warm home back, but not of one that was claimed meanwhile', async () => {
  const home = await fixture.make();
  const warm = { id: home.id, databaseName: home.databaseName };
  await fixture.control.query(
    `INSERT INTO warm_databases (id, server_id, database_name, database_oid, username, role_oid, state)
     SELECT id, server_id, database_name, database_oid, username, role_oid, 'ready' FROM databases WHERE id = $1`,
    [warm.id],
  );
  await fixture.control.query('DELETE FROM databases WHERE id = $1', [warm.id]);
  expect(await kindsOf(home)).toContain('role_drifted');

  await repair();

  expect(await fixture.canLogIn('direct', home)).toBe(false);
});

test('takes back the login of a suspended home', async () => {
  const home = await fixture.make();
  await fixture.setStatus(home, 'suspended');
  expect(await kindsOf(home)).toEqual(['role_drifted']);

  await repair();

  expect(await fixture.canLogIn('direct', home)).toBe(false);
});

test('takes back grants that its owner gave away, and restores the flags of the database', async () => {
  const home = await fixture.make();
  const neighbour = await fixture.make();
  await fixture.query(
    'direct',
    home,
    `GRANT CONNECT ON DATABASE ${home.databaseName} TO PUBLIC;
     GRANT CONNECT ON DATABASE ${home.databaseName} TO ${neighbour.username};
     ALTER DATABASE ${home.databaseName} IS_TEMPLATE true CONNECTION LIMIT 7`,
  );
  expect(await kindsOf(home)).toEqual([
    'database_flags_drifted',
    'database_grants_drifted',
    'database_grants_drifted',
  ]);

  await repair();

  expect(await kindsOf(home)).toEqual([]);
  expect(await fixture.canLogIn('direct', neighbour, { database: home.databaseName })).toBe(false);
});

test('makes a missing role again while its database stands, with the password that the tenant has', async () => {
  const home = await fixture.make();
  await fixture.admin(`ALTER DATABASE ${home.databaseName} OWNER TO postgres`);
  await fixture.admin(`DROP OWNED BY ${home.username}`, home.databaseName);
  await fixture.admin(`DROP ROLE ${home.username}`);
  expect(await kindsOf(home)).toContain('role_missing');

  await repair();

  expect(await kindsOf(home)).toEqual([]);
  for (const door of ['direct', 'pooled'] as const)
    expect(await fixture.canLogIn(door, home), door).toBe(true);
});

test('reports a missing database and makes none', async () => {
  const home = await fixture.make();
  await fixture.admin(`DROP DATABASE ${home.databaseName} WITH (FORCE)`);

  await repair();

  expect(await kindsOf(home)).toEqual(['database_missing']);
});

test('forgets a shadow database that its owner dropped', async () => {
  const home = await fixture.makeShadow(await fixture.make());
  await fixture.query('direct', home, `DROP DATABASE ${home.databaseName}_shadow`);
  expect(await kindsOf(home)).toEqual(['shadow_missing']);

  await repair();

  expect(await kindsOf(home)).toEqual([]);
});

test('reports what it made and forgot, and drops nothing', async () => {
  const home = await fixture.make();
  await fixture.control.query('DELETE FROM databases WHERE id = $1', [home.id]);
  expect(await kindsOf(home)).toEqual(['alias_unwanted', 'database_forgotten', 'role_forgotten']);

  await repair();

  expect(await kindsOf(home)).toEqual(['database_forgotten', 'role_forgotten']);
});

test("leaves other people's databases and roles alone, but says when tenants can enter them", async () => {
  await fixture.admin('CREATE ROLE user_0badcafe');
  await fixture.admin('CREATE DATABASE payroll');

  const { findings } = await reconciler.reportAndRepair(fixture.server);

  expect(findings.filter(({ name }) => name === 'user_0badcafe')).toEqual([]);
  expect(findings.find(({ name }) => name === 'payroll')).toMatchObject({
    kind: 'database_open_to_all',
    repair: 'none',
  });
  await fixture.admin('DROP DATABASE payroll');
  await fixture.admin('DROP ROLE user_0badcafe');
});

test('restores what the pooler serves, and ends a pause', async () => {
  const home = await fixture.make();
  await fixture.server.pooler?.pause(home.databaseName);
  expect(await kindsOf(home)).toEqual(['alias_paused']);
  await repair();
  expect(await fixture.canLogIn('pooled', home)).toBe(true);

  await fixture.control.query('UPDATE databases SET max_connections = 10 WHERE id = $1', [home.id]);
  expect(await kindsOf(home)).toEqual(['alias_drifted', 'role_drifted']);
  await repair();
  expect(await kindsOf(home)).toEqual([]);
});

test('leaves a home alone that an operation works on, and names one that none works on', async () => {
  const home = await fixture.make();
  await fixture.admin(`ALTER ROLE ${home.username} NOLOGIN`);
  await fixture.setStatus(home, 'deleting');
  expect(await kindsOf(home)).toEqual(['operation_missing']);

  await fixture.control.query(
    `INSERT INTO operations (id, kind, subject_type, subject_id, state, max_attempts, deadline_at, actor)
     VALUES (gen_random_uuid(), 'database.delete', 'database', $1, 'pending', 1, now() + interval '1 hour', '{}')`,
    [home.id],
  );
  expect(await kindsOf(home)).toEqual([]);
});
