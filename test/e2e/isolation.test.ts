import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, config } = world;
const mine = await createDatabase(world);
const other = await createDatabase(world);
const INSUFFICIENT_PRIVILEGE = '42501';
const TOO_MANY_CONNECTIONS = '53300';

function at(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}

test.each(['connection_string', 'connection_string_pooled'] as const)(
  'a tenant reaches no database but its own through its %s',
  async (door) => {
    const elsewhere = [
      other.database_name,
      'postgres',
      'template1',
      'rowhouse_blank',
      config.control.database,
      'pgbouncer',
    ];

    for (const database of elsewhere) {
      expect(await loginError(at(mine[door], database)), `${door} to ${database}`).not.toBeNull();
    }
    expect(await canLogin(mine[door])).toBe(true);
  },
);

test.each([
  ['a tenant', mine.connection_string_pooled],
  ['nobody', mine.connection_string_pooled.replace(mine.username, 'nobody')],
])("%s who asks for the pooler's console is refused, not kept waiting", async (_, url) => {
  expect(await loginError(at(url, 'pgbouncer'))).toMatch(/^[0-9A-Z]{5}$/);
  expect(await loginError(at(url, config.control.database))).toMatch(/^[0-9A-Z]{5}$/);
});

test('a tenant still gets through after it knocked at every wrong door', async () => {
  expect(await canLogin(mine.connection_string_pooled)).toBe(true);
  expect(await canLogin(other.connection_string_pooled)).toBe(true);
});

test.each([
  ['create a role', 'CREATE ROLE intruder'],
  ['create a database', 'CREATE DATABASE intruder'],
  ['read password hashes', 'SELECT rolpassword FROM pg_authid'],
  ['read files', "SELECT pg_read_file('/etc/passwd')"],
  ['run programs', "COPY (SELECT 1) TO PROGRAM 'id'"],
  ['change its connection limit', `ALTER ROLE ${mine.username} CONNECTION LIMIT 1000`],
  ['become superuser', `ALTER ROLE ${mine.username} SUPERUSER`],
  ['take another role', `SET ROLE ${other.username}`],
  [
    'ask for the verifiers that the pooler asks for',
    `SELECT * FROM pg_rowhouse.user_lookup('${other.username}')`,
  ],
  [
    'terminate sessions of others',
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
  ],
  ['change the server', "ALTER SYSTEM SET log_statement = 'all'"],
])('a tenant cannot %s', async (_, sql) => {
  const refusal = await errorCodeOf(query(mine.connection_string, sql));
  if (refusal === null) expect(await query(mine.connection_string, sql)).toEqual([]);
  else expect(refusal).toBe(INSUFFICIENT_PRIVILEGE);
});

test('a tenant does not see the names of other tenants in the role views', async () => {
  for (const view of ['pg_roles', 'pg_user', 'pg_group']) {
    const column = { pg_roles: 'rolname', pg_user: 'usename', pg_group: 'groname' }[view];
    const names = await query<{ name: string }>(
      mine.connection_string,
      `SELECT ${column} AS name FROM ${view}`,
    ).catch(() => []);
    expect(names.map(({ name }) => name)).not.toContain(other.username);
  }
});

test('the owner may do in its own database what an owner expects', async () => {
  await query(
    mine.connection_string,
    'CREATE SCHEMA app; CREATE TABLE app.t (id int); DROP SCHEMA app CASCADE',
  );
  await query(mine.connection_string, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await query(mine.connection_string, 'CREATE TABLE public.t (id int)');

  expect(await query(mine.connection_string_pooled, 'SELECT * FROM t')).toEqual([]);
});

async function holdSessions(database: NewDatabase, url: string, wanted: number) {
  const attempts = await Promise.allSettled(Array.from({ length: wanted }, () => connect(url)));
  const open = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const refused = attempts.flatMap((attempt) =>
    attempt.status === 'rejected' ? [attempt.reason.code as string] : [],
  );
  return { database, open, refused, close: () => Promise.all(open.map((client) => client.end())) };
}

test('maxConnections holds on the direct port', async () => {
  const database = await createDatabase(world, { maxConnections: 3 });

  const sessions = await holdSessions(database, database.connection_string, 6);

  expect(sessions.open).toHaveLength(3);
  expect(new Set(sessions.refused)).toEqual(new Set([TOO_MANY_CONNECTIONS]));
  await sessions.close();
});

test('the pooler serves many more clients than maxConnections without ever running into it', async () => {
  const database = await createDatabase(world, { maxConnections: 3 });

  const sessions = await holdSessions(database, database.connection_string_pooled, 30);
  const answers = await Promise.all(
    sessions.open.map((client) => client.query('SELECT pg_sleep(0.02), pg_backend_pid() AS pid')),
  );

  expect(sessions.refused).toEqual([]);
  expect(new Set(answers.map(({ rows }) => rows[0].pid)).size).toBeLessThanOrEqual(3);
  expect(await canLogin(database.connection_string)).toBe(true);
  await sessions.close();
});

test.each(['connection_string', 'connection_string_pooled'] as const)(
  'the certificate behind %s holds up to verify-full against the published CA, at TLS 1.2 or better',
  async (door) => {
    const ca = await (await fetch(`${api.baseUrl}/api/ca-certificate`)).text();

    expect(ca).toBe(readFileSync(config.caFile ?? '', 'utf8'));
    expect(await canLogin(mine[door], { ca })).toBe(true);
  },
);
