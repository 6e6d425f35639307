import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { beforeAll, expect, test } from 'vitest';
import { findPostgres } from '../../src/stack/binaries.js';
import type { ApiResponse } from '../support/api-response.js';
import type { ChildApp } from '../support/app.js';
import { databaseBody, type NewDatabase } from '../support/databases.js';
import { whileStopped } from '../support/faults.js';
import { untilIdle } from '../support/leftovers.js';
import { ProcessWatch, SecretHunt } from '../support/secret-hunt.js';
import { canLogin, errorCodeOf, query } from '../support/sql.js';
import { createTemplate, tenantBody } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ app: 'child', env: { LOG_LEVEL: 'trace' } });
const { api, stack, config } = world;
const app = world.app as ChildApp;
const hunt = new SecretHunt();
const problems: string[] = [];
let seen: ReturnType<ProcessWatch['stop']>;

/** What must not leak of the stack itself. */
const STACK_SECRETS = [
  'DB_PASSWORD',
  'PG_ADMIN_PASSWORD',
  'PGBOUNCER_ADMIN_PASSWORD',
  'PGBOUNCER_AUTH_PASSWORD',
  'ENCRYPTION_KEY',
  'API_KEY',
];

async function learn<T>(what: string, asked: Promise<ApiResponse<T>>): Promise<T> {
  const answer = await asked;
  hunt.learn(what, answer.body);
  return answer.data;
}

async function keepProblem(asked: Promise<ApiResponse<unknown>>): Promise<void> {
  const answer = await asked;
  expect(answer.status).toBeGreaterThanOrEqual(400);
  problems.push(JSON.stringify(answer.body));
}

async function tourOfDatabases(): Promise<NewDatabase> {
  const database = await learn('create', api.post<NewDatabase>('/api/databases', databaseBody()));
  const at = `/api/databases/${database.id}`;
  const once = databaseBody({ shadow: true });
  for (let turn = 0; turn < 2; turn += 1)
    await learn('replay', api.post('/api/databases', once, { idempotencyKey: 'secret-tour' }));
  await learn('reveal', api.get(`${at}/connection-strings?reveal=true`));
  await learn('rotation', api.post(`${at}/rotate-credentials`, {}, { idempotencyKey: 'secret-rotation' }));
  await learn('suspend', api.post(`${at}/suspend`));
  await learn('suspended rotation', api.post(`${at}/rotate-credentials`));
  await learn('resume', api.post(`${at}/resume`));
  const shown = await api.get<NewDatabase>(`${at}/connection-strings?reveal=true`);
  return { ...database, ...shown.data };
}

async function tourOfTenants(): Promise<void> {
  const { id: templateId } = await createTemplate(world);
  for (const isolation of ['schema', 'database']) {
    const body = tenantBody({ isolation, templateId });
    const { id, database_id } = await learn(
      `${isolation} tenant`,
      api.post<{ id: string; database_id: string }>('/api/tenants', body),
    );
    await learn('tenant rotation', api.post(`/api/tenants/${id}/rotate-credentials`));
    await learn('tenant reveal', api.get(`/api/tenants/${id}/connection-strings?reveal=true`));
    await keepProblem(api.post(`/api/tenants/${id}/sql`, { sql: 'SELECT nothing' }));
    if (isolation === 'database') continue;
    const host = `/api/databases/${database_id}/host`;
    await learn('host', api.get(`${host}?reveal=true`));
    await learn('app', api.post(`${host}/rotate-credentials`, { role: 'app' }));
    await learn(
      'leak test',
      api.post(`/api/databases/${database_id}/leak-test`, {}, { outsideContract: true }),
    );
  }
}

async function tourOfErrors({ id, connection_string: url }: NewDatabase): Promise<void> {
  const key = await learn(
    'key',
    api.post<{ key: string }>('/api/api-keys', { name: 'reader', scopes: ['databases:read'] }),
  );
  const reader = api.withKey(key.key);
  await keepProblem(reader.get(`/api/databases/${id}/connection-strings?reveal=true`));
  await keepProblem(api.withKey(`${key.key.slice(0, -2)}xx`).get('/api/databases'));
  await keepProblem(api.post('/api/databases', databaseBody({ password: 'mine' })));
  await keepProblem(api.get('/api/databases/42'));
  await whileStopped(world, 'postgres', () => keepProblem(api.post('/api/databases', databaseBody())));
  await until('it works again', () => canLogin(url));
  await errorCodeOf(query(url, 'SELECT * FROM nowhere'));
  const wrong = new URL(url);
  wrong.password = 'wrong-password';
  await errorCodeOf(query(wrong.href, 'SELECT 1'));
}

beforeAll(async () => {
  for (const name of STACK_SECRETS) hunt.add(name, app.env[name] ?? '');
  hunt.add('Redis', new URL(config.redisUrl ?? '').password);
  const watch = ProcessWatch.start([app.pid]);
  try {
    const database = await tourOfDatabases();
    await tourOfTenants();
    await tourOfErrors(database);
    await untilIdle(world);
  } finally {
    seen = watch.stop();
  }
});

test('the hunt knows many secrets, and finds one where it has to be', () => {
  expect(hunt.size).toBeGreaterThan(15);
  expect(hunt.findIn(readFileSync(join(stack.dataDir, 'pgbouncer', 'userlist.txt'), 'utf8'))).toContain(
    'PGBOUNCER_ADMIN_PASSWORD (plain)',
  );
});

test('no log has a secret: not of the API at its most talkative, PostgreSQL, PgBouncer or Redis', () => {
  const logs = join(stack.dataDir, 'logs');
  const texts = readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'));

  expect(texts.join('').length).toBeGreaterThan(1000);
  expect(app.log.length).toBeGreaterThan(1000);
  expect(hunt.findIn(texts.join('\n'))).toEqual([]);
  expect(hunt.findIn(app.log)).toEqual([]);
});

test('no answer to a request that failed has a secret', () => {
  expect(problems.length).toBeGreaterThan(4);
  expect(hunt.findIn(problems.join('\n'))).toEqual([]);
});

test('no command line, and no variable of a process but the API itself, has a secret', () => {
  expect(seen.commandLines.some((line) => line.includes('pgbouncer'))).toBe(true);
  expect(hunt.findIn(seen.commandLines.join('\n'))).toEqual([]);
  expect(hunt.findIn(seen.environments.join('\n'))).toEqual([]);
});

test('a dump of the control database, and of all roles, reveals no secret', async () => {
  const dump = await dumpWith('pg_dump', [config.control.database]);
  const globals = await dumpWith('pg_dumpall', ['--globals-only']);
  const sealed = dump.match(/\bv1\.[0-9a-f]{8}\./g) ?? [];

  expect(sealed.length).toBeGreaterThan(8);
  for (const table of ['operations', 'audit_logs', 'idempotency_keys', 'api_keys'])
    expect(dump).toMatch(new RegExp(`COPY public\\.${table}\\w* `));
  expect(hunt.findIn(dump)).toEqual([]);
  expect(hunt.findIn(globals)).toEqual([]);
});

test('Redis has no secret', async () => {
  const redis = new Redis(config.redisUrl ?? '');
  try {
    const keys = await redis.keys('*');
    const values = await Promise.all(keys.map((key) => redis.get(key).catch(() => redis.hgetall(key))));

    expect(keys.length).toBeGreaterThan(0);
    expect(hunt.findIn(JSON.stringify([keys, values]))).toEqual([]);
  } finally {
    redis.disconnect();
  }
});

test('the data directory keeps its secrets from other users', () => {
  const readable = ['secrets.json', join('pgbouncer', 'userlist.txt'), join('redis', 'redis.conf')];

  for (const file of readable) expect(statSync(join(stack.dataDir, file)).mode & 0o077, file).toBe(0);
});

async function dumpWith(program: string, args: readonly string[]): Promise<string> {
  const { directory } = await findPostgres(null, null);
  const { server } = config;
  const { stdout } = await promisify(execFile)(
    join(directory, program),
    ['-h', server.host, '-p', String(server.port), '-U', server.adminUser, ...args],
    { env: { PGPASSWORD: server.adminPassword }, maxBuffer: 256 * 1024 * 1024 },
  );
  return stdout;
}
