import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../src/infra/process/ports.js';
import { randomHex } from '../../src/kernel/ids.js';
import { ChildApp } from '../support/app.js';
import { type OwnServers, startOwnServers } from '../support/own-servers.js';
import { canLogin, loginError } from '../support/sql.js';
import { until } from '../support/until.js';

const KEY = randomHex(24);
const PGBOUNCER_INI = 'pgbouncer/pgbouncer.ini';

let servers: OwnServers;
let app: ChildApp;

beforeAll(async () => {
  servers = await startOwnServers();
  const port = await findFreePort();
  app = new ChildApp(`http://127.0.0.1:${port}`, {
    ...servers.env,
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    WARM_POOL_SIZE: '0',
    ENCRYPTION_KEY: randomHex(32),
    API_KEY: KEY,
    PORT: String(port),
  });
});

afterEach(() => app.stop());

afterAll(async () => {
  await app?.stop();
  await servers?.stop();
});

async function post<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: JSON.stringify(body),
  });
  const { data } = (await answer.json()) as { data: T };
  expect(answer.status).toBe(201);
  return data;
}

async function readiness() {
  const answer = await fetch(`${app.url}/health/ready`);
  const { parts } = (await answer.json()) as {
    parts: { name: string; status: string; reason: string | null }[];
  };
  return { code: answer.status, part: (name: string) => parts.find((part) => part.name === name) };
}

const isReady = async () => (await readiness()).code === 200;

async function restartPooler(): Promise<void> {
  await servers.pgbouncer.stop();
  await servers.pgbouncer.start();
}

async function restartPostgres(): Promise<void> {
  await servers.postgres.stop();
  await servers.postgres.start();
}

test('who follows the page gets a login on both ports, and a whitelist that holds', async () => {
  await app.start();

  const database = await post<{
    id: string;
    connection_string: string;
    connection_string_pooled: string;
  }>('/api/databases', { friendlyName: 'first', ownerEmail: 'me@example.com' });
  const strings = [database.connection_string, database.connection_string_pooled];
  const before = await Promise.all(strings.map((string) => canLogin(string)));
  await post(`/api/databases/${database.id}/whitelist`, { ipAddress: '203.0.113.0/24' });
  const after = await Promise.all(strings.map((string) => canLogin(string)));

  expect([await isReady(), ...before, ...after]).toEqual([true, true, true, false, false]);
  expect(app.log).not.toContain('! ');
});

interface Fault {
  name: string;
  part: string;
  restart: () => Promise<void>;
  file: string;
  edit: (text: string) => string;
  reason: RegExp;
}

const without = (pattern: RegExp) => (text: string) => text.replace(pattern, '');

const FAULTS: Fault[] = [
  {
    name: 'no TLS of PostgreSQL',
    part: 'direct logins of default',
    restart: restartPostgres,
    file: 'data/postgresql.conf',
    edit: without(/^ssl = on$/m),
    reason: /^PostgreSQL offers no TLS.* set ssl = on/,
  },
  {
    name: 'no TLS of PgBouncer',
    part: 'pooled logins of default',
    restart: restartPooler,
    file: PGBOUNCER_INI,
    edit: without(/^client_tls_.*$/gm),
    reason: /^PgBouncer offers no TLS.* set client_tls_sslmode/,
  },
  {
    name: 'no auth_query',
    part: 'pooled logins of default',
    restart: restartPooler,
    file: PGBOUNCER_INI,
    edit: without(/^auth_query = .*$/m),
    reason: /set auth_query = SELECT username, verifier FROM pg_rowhouse\.user_lookup\(\$1\)$/,
  },
  {
    name: 'no password for look-ups',
    part: 'pooled logins of default',
    restart: restartPooler,
    file: 'pgbouncer/userlist.txt',
    edit: without(/^"rowhouse_pooler_auth".*$/m),
    reason: /auth_file needs PGBOUNCER_AUTH_USER/,
  },
  {
    name: 'rules that PgBouncer does not read',
    part: 'pooled logins of default',
    restart: restartPooler,
    file: PGBOUNCER_INI,
    edit: (text) => text.replace('auth_type = hba', 'auth_type = scram-sha-256'),
    reason: /whitelists do not hold there: set auth_type = hba/,
  },
  {
    name: 'a pg_hba.conf for Rowhouse alone',
    part: 'direct logins of default',
    restart: restartPostgres,
    file: 'data/pg_hba.conf',
    edit: without(/^host.*(\/32|\/128| all) +scram-sha-256$/gm),
    reason: /^pg_hba\.conf lets no client of Rowhouse in/,
  },
];

test.each(FAULTS)('names $name at the start and in readiness, until it is mended', async (fault) => {
  servers.change(fault.file, fault.edit);
  await fault.restart();
  await app.start();

  const { code, part } = await readiness();
  servers.mend();
  await fault.restart();

  expect(code).toBe(503);
  expect(part(fault.part)).toMatchObject({ status: 'down', reason: expect.stringMatching(fault.reason) });
  const warnings = app.log.split('\n').filter((line) => line.startsWith('! '));
  expect(warnings.join('\n')).toContain(part(fault.part)?.reason);
  await until('clients can log in again', isReady, { timeoutMs: 30_000 });
});

test('names a user that PgBouncer does not know for its console, to operators only', async () => {
  servers.change('pgbouncer/userlist.txt', without(/^"rowhouse_pooler_admin".*$/m));
  await restartPooler();
  await app.start();

  const { code, part } = await readiness();
  servers.mend();
  await restartPooler();

  expect(code).toBe(503);
  expect(part('pooled logins of default')?.reason).not.toContain('rowhouse_pooler_admin');
  expect(app.log).toMatch(
    /^! .*refuses the login of "rowhouse_pooler_admin" to "pgbouncer".*auth_file needs/m,
  );
  await until('the server is prepared', isReady, { timeoutMs: 30_000 });
});

test('writes an hba.conf where there is none, and says that PgBouncer has to read it', async () => {
  servers.change('pgbouncer/hba.conf', () => '\n');
  await restartPooler();

  await expect(app.start()).rejects.toThrow(
    /✖ PgBouncer on port \d+ refuses the login of "rowhouse" to "postgres_control" \(login rejected\): auth_hba_file must be .*hba\.conf/,
  );
  await restartPooler();
  await app.start();

  expect(await isReady()).toBe(true);
});

test('says at the start that it is PgBouncer that does not answer', async () => {
  await servers.pgbouncer.stop();

  await expect(app.start()).rejects.toThrow(/✖ PgBouncer on port \d+ does not answer \(ENOENT\): start it/);
  await servers.pgbouncer.start();
});

test('notices by itself that clients can log in no more, though Rowhouse can', async () => {
  await app.start();
  const before = await isReady();
  servers.change(PGBOUNCER_INI, without(/^auth_query = .*$/m));
  await restartPooler();

  const hasFailed = async () => {
    const { part } = await readiness();
    return part('pooled logins of default')?.status === 'down' && part('pooler of default')?.status;
  };
  const state = await until('the proof failed', hasFailed, { timeoutMs: 45_000 });
  servers.mend();
  await restartPooler();

  expect([before, state]).toEqual([true, 'up']);
});

test('the role of the proof is let in nowhere else', async () => {
  await app.start();
  const { env } = servers;
  const login = (database: string, port = env['DB_PORT']) =>
    loginError(`postgresql://rowhouse_probe:x@127.0.0.1:${port}/${database}?sslmode=require`);

  expect(await login('postgres_control', env['DB_PGBOUNCER_PORT'])).toBe('08P01');
  expect(await login('postgres')).toBe('28P01');
});
