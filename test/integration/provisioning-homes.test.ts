import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { createUntrustedExtension } from '../../src/infra/postgres/extension-sql.js';
import { DatabaseName } from '../../src/kernel/identifiers.js';
import { generatePassword } from '../../src/kernel/ids.js';
import { scramVerifier } from '../../src/kernel/scram.js';
import { LoginHomes } from '../../src/provisioning/logins/login-home.js';
import { LoginRotation } from '../../src/provisioning/logins/login-rotation.js';
import { until } from '../support/until.js';
import { type Door, type MadeHome, startProvisioning } from './provisioning-fixture.js';

const DOORS: readonly Door[] = ['direct', 'pooled'];

const fixture = await startProvisioning();
const { provisioner, aliases } = fixture;

const homes = fixture.context.get(LoginHomes);
const rotation = fixture.context.get(LoginRotation);

function homeOf({ id }: MadeHome) {
  return homes.get({ type: 'database', id });
}

async function rotate(home: MadeHome, password: string): Promise<void> {
  const verifier = await scramVerifier(password);
  await rotation.replace(fixture.server, await homeOf(home), { verifier, password });
}

async function hasEnded(client: Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => false,
    () => true,
  );
}

test('lets its own role in on both ports, at once', async () => {
  const home = await fixture.make();

  for (const door of DOORS) {
    const [row] = await fixture.query(door, home, 'SELECT current_user, current_database()');
    expect(row).toEqual({ current_user: home.username, current_database: home.databaseName });
  }
});

test('every step may run again and finds what it made', async () => {
  const home = await fixture.make();
  const halfRecorded = { ...home, roleOid: null, databaseOid: null };

  expect(await provisioner.ensureRole(fixture.server, halfRecorded)).toBe(home.roleOid);
  expect(await provisioner.ensureDatabase(fixture.server, halfRecorded)).toBe(home.databaseOid);
  await provisioner.ensurePrivileges(fixture.server, home);
  await provisioner.enableLogin(fixture.server, home);

  expect(await fixture.canLogIn('direct', home)).toBe(true);
});

test('is closed until its privileges are set', async () => {
  const planned = await fixture.plan();
  const roleOid = await provisioner.ensureRole(fixture.server, planned);
  await provisioner.ensureDatabase(fixture.server, { ...planned, roleOid });

  const [row] = await fixture.admin(
    `SELECT datallowconn FROM pg_database WHERE datname = '${planned.databaseName}'`,
  );
  expect(row).toEqual({ datallowconn: false });
});

test('keeps its role out of every other database, on both ports', async () => {
  const home = await fixture.make();
  const neighbour = await fixture.make();
  const others = [
    neighbour.databaseName,
    'postgres',
    'template1',
    fixture.config.control.database,
    'pgbouncer',
  ];

  for (const door of DOORS) {
    for (const database of [...others, 'rowhouse_blank', 'nowhere']) {
      expect(await fixture.canLogIn(door, home, { database }), `${door} ${database}`).toBe(false);
    }
  }
});

test('gives its role no power over roles and databases', async () => {
  const home = await fixture.make();

  for (const sql of ['CREATE ROLE x', 'CREATE DATABASE x', 'ALTER ROLE CURRENT_USER CREATEDB']) {
    await expect(fixture.query('direct', home, sql), sql).rejects.toMatchObject({ code: '42501' });
  }
});

test('hides the names of other tenants in the system views, also from a function that peeks', async () => {
  const home = await fixture.make();
  const neighbour = await fixture.make();
  const watched = await fixture.logIn('direct', neighbour);
  const client = await fixture.logIn('direct', home);
  const seen: string[] = [];
  client.on('notice', (notice) => seen.push(notice.message ?? ''));
  await client.query(`
    CREATE FUNCTION peek(name) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
    AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$`);

  const names = new Set<unknown>();
  for (const [view, column] of [
    ['pg_roles', 'rolname'],
    ['pg_user', 'usename'],
    ['pg_group', 'groname'],
    ['pg_stat_activity', 'usename'],
  ]) {
    const { rows } = await client.query(`SELECT ${column} AS name FROM ${view} WHERE peek(${column})`);
    for (const { name } of rows) names.add(name);
  }

  expect(names).toContain(home.username);
  for (const stranger of [neighbour.username, fixture.config.control.user]) {
    expect(names).not.toContain(stranger);
    expect(seen).not.toContain(`saw ${stranger}`);
  }
  await Promise.all([client.end(), watched.end()]);
});

test("is dumped by its tenant without anything of Rowhouse's, and restored by another tenant without an error", async () => {
  const home = await fixture.make();
  const target = await fixture.make();
  await fixture.query('direct', home, 'CREATE TABLE kept AS SELECT 42 AS answer');

  const dump = await postgresTool('pg_dump', home, ['--no-owner', '--no-acl']);
  expect(dump).toContain('CREATE TABLE public.kept');
  expect(dump).not.toMatch(/rowhouse|user_lookup|pg_roles/);
  await fixture.query('direct', target, runnable(dump));

  expect(await fixture.query('direct', target, "SELECT to_regclass('public.kept') AS kept")).toEqual([
    { kept: 'kept' },
  ]);
});

test('holds its connection limit on the direct port', async () => {
  const home = await fixture.make({ maxConnections: 3 });
  const sessions = await Promise.all([1, 2, 3].map(() => fixture.logIn('direct', home)));

  await expect(fixture.logIn('direct', home)).rejects.toMatchObject({ code: '53300' });

  await Promise.all(sessions.map((session) => session.end()));
});

test('serves many pooled clients without running into its limit, beside direct sessions', async () => {
  const home = await fixture.make({ maxConnections: 5 });
  const direct = await fixture.logIn('direct', home);
  const clients = await Promise.all(Array.from({ length: 40 }, () => fixture.logIn('pooled', home)));

  const answers = Promise.all(clients.map((client) => client.query('SELECT pg_sleep(0.05), 1 AS one')));
  const most = await mostSessions(home, answers);

  expect((await answers).every(({ rows }) => rows[0].one === 1)).toBe(true);
  expect(most).toBeGreaterThan(2);
  expect(most).toBeLessThanOrEqual(5);
  await Promise.all([...clients, direct].map((client) => client.end()));
});

test('has default timeouts on both ports, which its own SET overrides', async () => {
  const home = await fixture.make({ statementTimeoutMs: 1234 });

  for (const door of DOORS) {
    expect(await fixture.query(door, home, 'SHOW statement_timeout')).toEqual([
      { statement_timeout: '1234ms' },
    ]);
    expect(await fixture.query(door, home, 'SHOW lock_timeout')).toEqual([{ lock_timeout: '10s' }]);
  }
  const client = await fixture.logIn('direct', home);
  await client.query('SET statement_timeout = 0');
  expect((await client.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '0' }]);
  await client.end();
});

test('changed settings hold for new sessions on both ports', async () => {
  const home = await fixture.make();
  await fixture.query('pooled', home, 'SELECT 1');

  await provisioner.applySettings(fixture.server, { ...home, statementTimeoutMs: 4321, maxConnections: 2 });

  for (const door of DOORS) {
    await until('the new timeout holds', async () => {
      const [row] = await fixture.query(door, home, 'SHOW statement_timeout');
      return row?.['statement_timeout'] === '4321ms';
    });
  }
  expect(await fixture.admin(`SELECT rolconnlimit FROM pg_roles WHERE rolname = '${home.username}'`)).toEqual(
    [{ rolconnlimit: 2 }],
  );
});

/** What a login hears that is switched off, from PostgreSQL or through the pooler. */
const REFUSED = /not permitted to log in|password authentication failed|no such user|SASL/;

test('disabling its login ends every session on both ports and refuses new ones, at once', async () => {
  const home = await fixture.make();
  const direct = await fixture.logIn('direct', home);
  const idle = await fixture.logIn('pooled', home);
  const busy = await fixture.logIn('pooled', home);
  await direct.query('BEGIN');
  await busy.query('BEGIN');

  await provisioner.disableLogin(fixture.server, home);

  for (const client of [direct, idle, busy]) expect(await hasEnded(client)).toBe(true);
  for (const door of DOORS) await expect(fixture.logIn(door, home), door).rejects.toThrow(REFUSED);

  await provisioner.enableLogin(fixture.server, home);
  for (const door of DOORS) expect(await fixture.canLogIn(door, home), door).toBe(true);
});

test('rotates its password: the old one is refused at once, live pooled sessions go on', async () => {
  const home = await fixture.make();
  const live = await fixture.logIn('pooled', home);
  await live.query('SELECT 1');
  const password = generatePassword();

  await rotate(home, password);

  for (const door of DOORS) {
    expect(await fixture.canLogIn(door, home), `old, ${door}`).toBe(false);
    expect(await fixture.canLogIn(door, home, { password }), `new, ${door}`).toBe(true);
  }
  expect(await hasEnded(live)).toBe(false);
  await rotation.endSessions(fixture.server, await homeOf(home));
  expect(await hasEnded(live)).toBe(true);
  expect(await fixture.canLogIn('pooled', home, { password })).toBe(true);
});

test('installs trusted extensions as the tenant, although the tenant turned the database against its administrators', async () => {
  const home = await fixture.make();
  await fixture.query('direct', home, `ALTER DATABASE ${home.databaseName} SET role = '${home.username}'`);
  await fixture.query('direct', home, `ALTER DATABASE ${home.databaseName} SET search_path = public`);
  await fixture.query(
    'direct',
    home,
    `ALTER DATABASE ${home.databaseName} SET default_transaction_read_only = on`,
  );

  await provisioner.ensureExtensions(fixture.server, {
    ...home,
    extensions: ['pgcrypto', 'citext', 'uuid-ossp'],
  });
  await provisioner.ensureExtensions(fixture.server, { ...home, extensions: ['pgcrypto'] });

  const rows = await fixture.query(
    'direct',
    home,
    `SELECT extname, extowner::regrole::text AS owner FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1`,
  );
  expect(rows).toEqual(
    ['citext', 'pgcrypto', 'uuid-ossp'].map((extname) => ({ extname, owner: home.username })),
  );
});

test('an untrusted extension comes into a schema of its own, which the tenant can use but not prepare', async () => {
  const home = await fixture.make();
  const prepared = await fixture.make();
  await fixture.query('direct', prepared, 'CREATE SCHEMA pageinspect');
  const install = ({ databaseName }: MadeHome) =>
    fixture.server.postgres.inDatabase(databaseName, (client) =>
      client.query(createUntrustedExtension('pageinspect')),
    );

  await install(home);
  await expect(install(prepared)).rejects.toMatchObject({ code: '42P06' });

  await expect(
    fixture.query('direct', home, 'CREATE FUNCTION pageinspect.mine() RETURNS int RETURN 1'),
  ).rejects.toMatchObject({ code: '42501' });
});

test('refuses an extension that the server does not have', async () => {
  const home = await fixture.make();

  await expect(
    provisioner.ensureExtensions(fixture.server, { ...home, extensions: ['no_such'] }),
  ).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
});

test('has a shadow database of the same owner on both ports, which can be dropped and made anew', async () => {
  const home = await fixture.makeShadow(await fixture.make());
  const database = DatabaseName.of(home.databaseName).shadow.value;
  await fixture.query('direct', home, 'CREATE TABLE left_over ()', { database });
  const live = await fixture.logIn('pooled', home, { database });

  await provisioner.dropShadow(fixture.server, home);
  const again = await fixture.makeShadow({ ...home, shadowDatabaseOid: null });

  expect(again.shadowDatabaseOid).not.toBe(home.shadowDatabaseOid);
  expect(await hasEnded(live)).toBe(true);
  for (const door of DOORS) {
    const rows = await fixture.query(door, home, "SELECT to_regclass('left_over') AS table", { database });
    expect(rows, door).toEqual([{ table: null }]);
  }
});

test('is dropped with its role, though sessions are in it and it says that it is a template', async () => {
  const home = await fixture.make();
  const live = await fixture.logIn('direct', home);
  await live.query(`ALTER DATABASE ${home.databaseName} IS_TEMPLATE true`);

  await removeHome(home);
  await removeHome(home);

  expect(await leftOf(home)).toEqual([]);
  await live.end().catch(() => {});
});

test('its role is dropped although another tenant granted it something', async () => {
  const home = await fixture.make();
  const neighbour = await fixture.make();
  await fixture.query(
    'direct',
    neighbour,
    `CREATE TABLE bait (); GRANT SELECT ON bait TO ${home.username};
     GRANT CONNECT, CREATE ON DATABASE ${neighbour.databaseName} TO ${home.username}`,
  );
  await fixture.query('direct', home, 'CREATE SCHEMA mine CREATE TABLE kept ()', {
    database: neighbour.databaseName,
  });

  await removeHome(home);

  expect(await leftOf(home)).toEqual([]);
  expect(await fixture.query('direct', neighbour, "SELECT to_regclass('mine.kept') AS kept")).toEqual([
    { kept: 'mine.kept' },
  ]);
});

test('is not dropped when another database has its name', async () => {
  const home = await fixture.make();
  await fixture.admin(`DROP DATABASE ${home.databaseName} WITH (FORCE)`);
  await fixture.admin(`CREATE DATABASE ${home.databaseName}`);

  await expect(provisioner.dropDatabase(fixture.server, home)).rejects.toMatchObject({
    code: 'OWNERSHIP_MISMATCH',
  });
  await expect(
    provisioner.dropDatabase(fixture.server, { ...home, databaseOid: null }),
  ).rejects.toMatchObject({ code: 'OWNERSHIP_MISMATCH' });

  expect(await leftOf(home)).toContain(home.databaseName);
});

test('is not taken over or dropped when another role has its name', async () => {
  const planned = await fixture.plan();
  await fixture.admin(`CREATE ROLE ${planned.username}`);

  const refusal = { code: 'OWNERSHIP_MISMATCH' };
  await expect(provisioner.ensureRole(fixture.server, planned)).rejects.toMatchObject(refusal);
  await expect(provisioner.dropRole(fixture.server, planned)).rejects.toMatchObject(refusal);
});

test('a home half made by a crash, without recorded OIDs, is dropped by its mark', async () => {
  const planned = await fixture.plan();
  const roleOid = await provisioner.ensureRole(fixture.server, planned);
  await provisioner.ensureDatabase(fixture.server, { ...planned, roleOid });

  await provisioner.dropDatabase(fixture.server, planned);
  await provisioner.dropRole(fixture.server, planned);

  expect(await leftOf(planned)).toEqual([]);
});

test('many homes are made at once', async () => {
  const homes = await Promise.all(Array.from({ length: 6 }, () => fixture.make()));

  for (const home of homes) expect(await fixture.canLogIn('pooled', home)).toBe(true);
});

/** Without what only psql understands. */
function runnable(dump: string): string {
  return dump.replaceAll(/^\\(un)?restrict .*$/gm, '').replaceAll(/^COPY[\s\S]*?^\\\.$/gm, '');
}

async function removeHome(home: MadeHome): Promise<void> {
  await fixture.setStatus(home, 'deleting');
  await provisioner.disableLogin(fixture.server, home);
  await aliases.sync(fixture.server);
  await provisioner.dropShadow(fixture.server, home);
  await provisioner.dropDatabase(fixture.server, home);
  await provisioner.dropRole(fixture.server, home);
}

async function leftOf({ databaseName, username }: MadeHome): Promise<unknown[]> {
  const rows = await fixture.admin(
    `SELECT datname AS name FROM pg_database WHERE datname = '${databaseName}'
     UNION ALL SELECT rolname FROM pg_roles WHERE rolname = '${username}'`,
  );
  return rows.map(({ name }) => name);
}

async function mostSessions({ username }: MadeHome, work: Promise<unknown>): Promise<number> {
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  let most = 0;
  while (!isDone) {
    const [row] = await fixture.admin(
      `SELECT count(*)::integer AS sessions FROM pg_stat_activity WHERE usename = '${username}'`,
    );
    most = Math.max(most, Number(row?.['sessions']));
  }
  return most;
}

async function postgresTool(tool: string, home: MadeHome, options: string[]): Promise<string> {
  const { host, port } = fixture.config.server;
  const target = ['--host', host, '--port', String(port), '--username', home.username, home.databaseName];
  const env = { ...process.env, PGPASSWORD: home.password };
  const { stdout } = await promisify(execFile)(tool, [...options, ...target], { env });
  return stdout;
}
