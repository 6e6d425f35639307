import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { Reconciler } from '../../src/provisioning/reconciliation/reconciler.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { InProcessApp } from '../support/app.js';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { createHost, createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, app, server } = world;

const PORTS = ['connection_string', 'connection_string_pooled'] as const;
const REFUSED = '42501';

/** The stranger's ways into the home: its own login, on both ports. */
function doorsOf(stranger: NewDatabase, home: { database_name: string }): string[] {
  return PORTS.map((port) => {
    const url = new URL(stranger[port]);
    url.pathname = `/${home.database_name}`;
    return url.href;
  });
}

async function letIn(owner: string, home: { database_name: string }, stranger: string): Promise<void> {
  await query(
    owner,
    `CREATE TABLE IF NOT EXISTS loot (secret text);
     GRANT ALL ON DATABASE ${home.database_name} TO ${stranger} WITH GRANT OPTION;
     GRANT ALL ON loot TO ${stranger}`,
  );
}

async function enter(doors: readonly string[]): Promise<Client[]> {
  const sessions = await Promise.all(doors.map((door) => connect(door)));
  onTestFinished(async () => {
    await Promise.all(sessions.map((session) => session.end().catch(() => undefined)));
  });
  for (const session of sessions) await session.query('SELECT FROM loot');
  return sessions;
}

/** A client of the pooler is cut or finds no server any more; either way its next statement fails. */
async function expectOut(doors: readonly string[], sessions: readonly Client[]): Promise<void> {
  for (const session of sessions) {
    expect(await errorCodeOf(session.query('SELECT FROM loot'))).not.toBeNull();
  }
  for (const door of doors) expect(await loginError(door), door).not.toBeNull();
}

async function grantees({ database_name }: { database_name: string }): Promise<string[]> {
  const rows = await server.query<{ name: string }>(
    `SELECT DISTINCT coalesce(r.rolname, 'PUBLIC') AS name
     FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE d.datname = $1 AND a.grantee <> d.datdba ORDER BY 1`,
    [database_name],
  );
  return rows.map(({ name }) => name);
}

async function createTwo(): Promise<{ home: NewDatabase; stranger: NewDatabase; before: string[] }> {
  const [home, stranger] = [await createDatabase(world), await createDatabase(world)];
  return { home, stranger, before: await grantees(home) };
}

test('a suspension ends what the owner granted to others, and their sessions; a resumption brings nobody back', async () => {
  const { home, stranger, before } = await createTwo();
  const third = await createDatabase(world);
  const doors = [...doorsOf(stranger, home), ...doorsOf(third, home)];
  await letIn(home.connection_string, home, stranger.username);
  await query(home.connection_string, `GRANT ALL ON loot TO ${third.username}`);
  await query(doors[0] ?? '', `GRANT CONNECT ON DATABASE ${home.database_name} TO ${third.username}, PUBLIC`);
  const sessions = await enter(doors);

  (await api.post(`/api/databases/${home.id}/suspend`, {})).expect(200);

  await expectOut(doors, sessions);
  expect(await grantees(home)).toEqual(before);
  (await api.post(`/api/databases/${home.id}/resume`, {})).expect(200);
  for (const door of doors) expect(await loginError(door), door).not.toBeNull();
  for (const port of PORTS) expect(await loginError(home[port]), port).toBeNull();
  expect(await loginError(stranger.connection_string_pooled)).toBeNull();
});

test.each([{}, { graceSeconds: 600 }])(
  'a rotation with %o ends it, and the shadow database is looked at too',
  async (body) => {
    const { home, stranger, before } = await createTwo();
    const shadow = { database_name: `${home.database_name}_shadow` };
    (await api.post(`/api/databases/${home.id}/shadow`, {})).expect(200);
    const doors = doorsOf(stranger, home);
    await letIn(home.connection_string, home, stranger.username);
    await query(
      home.connection_string,
      `GRANT CONNECT ON DATABASE ${shadow.database_name} TO ${stranger.username}`,
    );
    const sessions = await enter(doors);

    const rotated = await api.post<NewDatabase>(`/api/databases/${home.id}/rotate-credentials`, body);

    await expectOut([...doors, ...doorsOf(stranger, shadow)], sessions);
    expect(
      (await grantees(home)).filter((name) => !before.includes(name) && name !== `${home.username}_2`),
    ).toEqual([]);
    for (const port of PORTS) expect(await loginError(rotated.expect(200).data[port]), port).toBeNull();
  },
);

test('what a temporary owner granted goes with it, and what its home has else stays', async () => {
  const { home, stranger } = await createTwo();
  const path = `/api/databases/${home.id}/roles`;
  const make = async (name: string, access: string) =>
    (await api.post<NewDatabase & { id: string }>(path, { name, access })).expect(201).data;
  const reader = await make('reader', 'readonly');
  const temporary = await make('temporary', 'owner');
  const doors = doorsOf(stranger, home);
  await letIn(temporary.connection_string, home, stranger.username);
  const sessions = await enter(doors);

  (await api.delete(`${path}/${temporary.id}`)).expect(200);

  await expectOut(doors, sessions);
  for (const port of PORTS) expect(await loginError(reader[port]), port).toBeNull();
});

test('the hourly look ends it by itself', async () => {
  const { home, stranger, before } = await createTwo();
  const doors = doorsOf(stranger, home);
  await letIn(home.connection_string, home, stranger.username);
  await query(home.connection_string, `GRANT CONNECT ON DATABASE ${home.database_name} TO PUBLIC`);
  const sessions = await enter(doors);

  const { nest } = app as InProcessApp;
  const report = await nest.get(Reconciler).reportAndUndo(nest.get(ServerRegistry).default());

  const found = report.findings.filter(({ name }) => name === home.database_name);
  expect(found.map(({ kind, repair }) => `${kind} ${repair}`)).toEqual([
    'database_grants_drifted done',
    'database_grants_drifted done',
  ]);
  await expectOut(doors, sessions);
  expect(await grantees(home)).toEqual(before);
});

test('a suspended hosting database keeps strangers out, and its tenants come back with it', async () => {
  const { database } = await createHost(world);
  const tenant = await createTenant(world, { databaseId: database.id });
  const stranger = await createDatabase(world);
  const before = await grantees(database);
  const doors = doorsOf(stranger, database);
  await server.query(
    `GRANT CONNECT ON DATABASE ${database.database_name} TO ${stranger.username} WITH GRANT OPTION`,
  );
  const sessions = await Promise.all(doors.map((door) => connect(door)));

  (await api.post(`/api/databases/${database.id}/suspend`, {})).expect(200);

  await expectOut([...doors, ...PORTS.map((port) => tenant[port])], sessions);
  (await api.post(`/api/databases/${database.id}/resume`, {})).expect(200);
  expect(await grantees(database)).toEqual(before);
  for (const port of PORTS) expect(await loginError(tenant[port]), port).toBeNull();
});

test("a role's settings for others' databases are removed by the hourly look, its own stay", async () => {
  const { home, stranger } = await createTwo();
  const tenant = await createTenant(world);
  const settings = async (role: string) =>
    server.query(
      `SELECT d.datname AS database, s.setconfig AS settings
       FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
       WHERE r.rolname = $1`,
      [role],
    );
  const reader = (
    await api.post<NewDatabase>(`/api/databases/${home.id}/roles`, { name: 'reader', access: 'readonly' })
  ).expect(201).data;
  const logins = [home, tenant, reader];
  await query(
    home.connection_string,
    `ALTER ROLE CURRENT_USER IN DATABASE ${home.database_name} SET work_mem = '5MB'`,
  );
  const before = await Promise.all(logins.map(({ username }) => settings(username)));
  for (const { connection_string, username } of logins) {
    for (const database of ['postgres', 'template1', stranger.database_name]) {
      await query(connection_string, `ALTER ROLE ${username} IN DATABASE ${database} SET work_mem = '5MB'`);
    }
  }

  const { nest } = app as InProcessApp;
  const report = await nest.get(Reconciler).reportAndUndo(nest.get(ServerRegistry).default());

  const found = report.findings.filter(({ kind }) => kind === 'role_settings_elsewhere');
  expect(found.map(({ name, repair }) => `${name} ${repair}`).sort()).toEqual(
    logins.map(({ username }) => `${username} done`).sort(),
  );
  expect(await Promise.all(logins.map(({ username }) => settings(username)))).toEqual(before);
});

test('no login can lend itself, and none can make another one its own', async () => {
  const { home, stranger } = await createTwo();
  const tenant = await createTenant(world);
  const temporary = (
    await api.post<NewDatabase>(`/api/databases/${home.id}/roles`, { name: 'temporary', access: 'owner' })
  ).expect(201).data;
  for (const { connection_string, username } of [home, tenant, temporary]) {
    for (const sql of [
      `GRANT ${username} TO ${stranger.username}`,
      `GRANT ${username} TO ${stranger.username} WITH ADMIN OPTION`,
      `GRANT ${home.username} TO ${stranger.username}`,
      `GRANT ${stranger.username} TO ${username}`,
      `ALTER DATABASE ${home.database_name} OWNER TO ${stranger.username}`,
      `REASSIGN OWNED BY ${username} TO ${stranger.username}`,
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${stranger.username} GRANT ALL ON TABLES TO ${username}`,
    ]) {
      expect(await errorCodeOf(query(connection_string, sql)), sql).toBe(REFUSED);
    }
  }
  expect(
    await until('the stranger is as it was', () => query(stranger.connection_string, 'SELECT 1')),
  ).toHaveLength(1);
});
