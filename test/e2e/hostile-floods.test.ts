import { once } from 'node:events';
import type { Client } from 'pg';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { SessionSeals } from '../../src/infra/postgres/session-seal.js';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { attempt, hold } from '../support/hostile.js';
import { canLogin, connect, errorCodeOf, query } from '../support/sql.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { DATABASE_MAX_CONNECTIONS: '8' } });
const { api, config, server } = world;
const mine = await createDatabase(world);
const other = await createDatabase(world);
const PATIENT =
  'SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0';
const LIMIT = '53300';

beforeAll(async () => {
  await query(
    other.connection_string,
    "CREATE TABLE mine (secret text); INSERT INTO mine VALUES ('untouched')",
  );
});

/** What a flood is measured by: others, on both ports, and the API. */
async function expectOthersWork(): Promise<void> {
  for (const url of [other.connection_string, other.connection_string_pooled])
    expect(await query(url, 'SELECT secret FROM mine')).toEqual([{ secret: 'untouched' }]);
  (await api.get('/health/ready', { key: null })).expect(200);
  expect(await canLogin((await createDatabase(world)).connection_string_pooled)).toBe(true);
}

const open: Client[] = [];

async function flood(url: string, wanted: number): Promise<string[]> {
  const attempts = await Promise.allSettled(Array.from({ length: wanted }, () => connect(url)));
  for (const done of attempts) if (done.status === 'fulfilled') open.push(done.value);
  return attempts.flatMap((done) => (done.status === 'rejected' ? [done.reason.code as string] : []));
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
  for (const url of [mine.connection_string, mine.connection_string_pooled])
    await until('the flooder is in again', () => canLogin(url), { timeoutMs: 40_000 });
});

test('a million advisory locks end with their session, in seconds', async () => {
  const session = await connect(mine.connection_string);
  open.push(session);
  await session.query(PATIENT);
  const pid = (await session.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  const take = 'SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 3000000) g';
  expect(await errorCodeOf(session.query(take))).toMatch(/^(53200|57P01)$/);

  await until('the session is ended', async () => {
    const alive = await server.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    return alive.length === 0;
  });
  await expectOthersWork();
});

test('whoever makes the locks scarce while Rowhouse needs many is the one who goes', async () => {
  const role = 'rowhouse_test_worker';
  await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'working'`);
  await server.query(`GRANT CONNECT ON DATABASE postgres TO ${role}`);
  const url = new URL(mine.connection_string);
  Object.assign(url, { username: role, password: 'working', pathname: '/postgres' });
  const [worker, hoarder] = [await connect(url.href), await connect(mine.connection_string)];
  open.push(worker, hoarder);
  await SessionSeals.of(config).seal(worker);
  await worker.query('SELECT count(pg_advisory_lock_shared(g)) FROM generate_series(1, 70000) g');

  // Together they have more than three fifths of the 153,600 that there are.
  const hoarding = hoarder.query(
    `${PATIENT}; SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 60000) g`,
  );

  expect(await errorCodeOf(hoarding.then(() => hoarder.query('SELECT pg_sleep(20)')))).toBe('57P01');
  expect((await worker.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);

  // Code of a tenant's may run in it: what it has is too much all by itself.
  await errorCodeOf(
    worker.query('SELECT count(pg_advisory_lock_shared(g)) FROM generate_series(1, 3000000) g'),
  );
  await until('the worker is ended too', async () => {
    const alive = server.query('SELECT FROM pg_stat_activity WHERE usename = $1', [role]);
    return alive.then((rows) => rows.length === 0).catch(() => false);
  });
  await server.query(`DROP OWNED BY ${role}`);
  await server.query(`DROP ROLE ${role}`);
});

test('all connections that it may have are all that it gets, on both ports', async () => {
  const refused = await flood(mine.connection_string, 12);
  // The pooler has some of them for a while.
  expect(open.length).toBeGreaterThan(5);
  expect(open.length).toBeLessThanOrEqual(8);
  expect(new Set(refused)).toEqual(new Set([LIMIT]));
  await expectOthersWork();
});

test('hundreds of clients of the pooled port that all run something keep nobody else from it', async () => {
  expect(await flood(mine.connection_string_pooled, 200)).toEqual([]);
  const busy = open.map((client) => client.query('SELECT pg_sleep(3)').catch(() => undefined));

  await expectOthersWork();
  void Promise.all(busy);
});

test.each(['connection_string', 'connection_string_pooled'] as const)(
  'a message of two gigabytes through its %s goes nowhere',
  async (door) => {
    const client = await connect(mine[door]);
    open.push(client);
    const { stream } = (client as unknown as { connection: { stream: NodeJS.WritableStream } }).connection;
    const header = Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]);
    stream.write(header);
    for (let megabyte = 0; megabyte < 16; megabyte += 1) stream.write(Buffer.alloc(1024 * 1024, 0x20));

    await expectOthersWork();
  },
);

test.each(['connection_string', 'connection_string_pooled'] as const)(
  'texts at the limit of PostgreSQL and an endless answer through its %s harm nobody',
  async (door) => {
    const long = `SELECT length('${'x'.repeat(64 * 1024 * 1024)}') AS n`;
    expect(await query(mine[door], long)).toEqual([{ n: 64 * 1024 * 1024 }]);
    expect((await attempt(mine[door], "SELECT repeat('x', 1100000000)")).refusal).toBe('54000');

    const client = await connect(mine[door]);
    open.push(client);
    const endless = errorCodeOf(client.query("SELECT repeat('x', 1000), generate_series(1, 100000000)"));
    const { stream } = (client as unknown as { connection: { stream: NodeJS.ReadableStream } }).connection;
    await once(stream, 'data');
    stream.pause();
    await expectOthersWork();
    stream.resume();
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect(await endless).not.toBeNull();
  },
);

test('notices, locks of its own tables and open transactions stay its own affair', async () => {
  const session = await hold(
    mine.connection_string,
    PATIENT,
    'CREATE TABLE t (i int)',
    'LISTEN news',
    'BEGIN',
    'LOCK TABLE t',
  );
  open.push(session);
  await query(
    mine.connection_string,
    "SET statement_timeout = 0; DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_notify('news', repeat('x', 7000) || i); END LOOP; END $$",
  );

  const [queue] = await server.query<{ used: number }>(
    'SELECT pg_notification_queue_usage()::float8 AS used',
  );
  expect(queue?.used).toBeGreaterThan(0.01);
  await query(other.connection_string, "NOTIFY news, 'still possible'");
  await expectOthersWork();
});

test('temporary files and memory that it asks for end with its statement', async () => {
  const sql = `SET work_mem = '64kB'; SELECT count(*) FROM (SELECT g, repeat('x', 500) FROM generate_series(1, 400000) g ORDER BY 2, 1) s`;
  const running = attempt(mine.connection_string, sql);
  await expectOthersWork();
  await running;

  await until(
    'its files are gone',
    async () => (await server.query('SELECT FROM pg_ls_tmpdir()')).length === 0,
  );
});

test('knocking at the alias of another with its own name poisons nothing there', async () => {
  const wrong = new URL(mine.connection_string_pooled);
  wrong.pathname = new URL(other.connection_string_pooled).pathname;
  const knocks = Promise.all(Array.from({ length: 40 }, () => canLogin(wrong.href).catch(() => false)));

  await expectOthersWork();
  expect(new Set(await knocks)).toEqual(new Set([false]));
});

async function statusOf({ id }: NewDatabase): Promise<string> {
  return (await api.get<{ status: string }>(`/api/databases/${id}`)).data.status;
}

test('suspension ends a flood on both ports', async () => {
  await flood(mine.connection_string, 5);
  await flood(mine.connection_string_pooled, 50);
  for (const client of open) void client.query(`${PATIENT}; SELECT pg_sleep(600)`).catch(() => undefined);

  (await api.post(`/api/databases/${mine.id}/suspend`)).expect(200);

  expect(await statusOf(mine)).toBe('suspended');
  expect(await server.query('SELECT FROM pg_stat_activity WHERE usename = $1', [mine.username])).toEqual([]);
  await expectOthersWork();
  (await api.post(`/api/databases/${mine.id}/resume`)).expect(200);
});
