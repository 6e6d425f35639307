import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { findFreePort } from '../../src/infra/process/ports.js';
import { findProcessesIn, isRunning } from '../../src/infra/process/process-table.js';
import { type LocalStack, startLocalStack } from '../../src/stack/local-stack.js';
import type { LocalStackOptions } from '../../src/stack/local-stack-options.js';
import { createTestDirectory } from '../support/stack.js';
import { until } from '../support/until.js';

const STACK_MAIN = fileURLToPath(new URL('../support/stack-main.mjs', import.meta.url));
const PROGRAMS = ['postgres', 'pgbouncer', 'redis-server'];

let dataDir: string;
let stacks: LocalStack[];
let lines: string[];

beforeEach(() => {
  dataDir = createTestDirectory();
  stacks = [];
  lines = [];
});

afterEach(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<LocalStackOptions> = {}): Promise<LocalStack> {
  const stack = await startLocalStack({
    dataDir,
    ports: 'free',
    publicHost: '127.0.0.1',
    durable: false,
    report: (line) => lines.push(line),
    ...options,
  });
  stacks.push(stack);
  return stack;
}

async function query(stack: LocalStack, port: 'direct' | 'pooled', sql: string, ca?: string) {
  const { control, server } = loadConfig({ ...stack.env });
  const client = new Client({
    ...control,
    host: 'localhost',
    port: port === 'direct' ? server.port : server.pooler?.port,
    ssl: ca ? { ca } : false,
  });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function answers(stack: LocalStack): Promise<boolean> {
  return query(stack, 'pooled', 'SELECT 1').then(
    () => true,
    () => false,
  );
}

function running(): number[] {
  return ['postgres', 'pgbouncer', 'redis'].flatMap((part) => findProcessesIn(join(dataDir, part), PROGRAMS));
}

test('both ports answer, also to a client that verifies the certificate', async () => {
  const stack = await start();
  const ca = readFileSync(stack.env['TLS_CA_FILE'] ?? '', 'utf8');

  for (const port of ['direct', 'pooled'] as const) {
    expect(await query(stack, port, 'SELECT current_database() AS name')).toEqual([
      { name: 'postgres_control' },
    ]);
    expect(await query(stack, port, 'SELECT 1 AS one', ca)).toEqual([{ one: 1 }]);
  }
  expect(
    await query(stack, 'direct', 'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()', ca),
  ).toEqual([{ version: 'TLSv1.3' }]);
});

test('PgBouncer comes over a Unix socket that others may not use: who comes by TCP is a client', async () => {
  const stack = await start();
  const sockets = stack.env['DB_SOCKET_DIR'] ?? '';
  const ADDRESS = 'SELECT client_addr::text AS address FROM pg_stat_activity WHERE pid = pg_backend_pid()';

  expect(await query(stack, 'pooled', ADDRESS)).toEqual([{ address: null }]);
  expect(await query(stack, 'direct', ADDRESS)).toEqual([
    { address: expect.stringMatching(/^(127\.0\.0\.1\/32|::1\/128)$/) },
  ]);
  expect(statSync(sockets).mode & 0o777).toBe(0o700);
  expect(readdirSync(sockets)).toContain(`.s.PGSQL.${stack.env['DB_PGBOUNCER_PORT']}`);
});

test('a data directory whose sockets no path can name is refused before anything is made', async () => {
  const deep = join(dataDir, 'd'.repeat(90));

  await expect(start({ dataDir: deep })).rejects.toThrow(/too long for Unix sockets .* at most 8\d bytes/);
  expect(existsSync(join(deep, 'postgres'))).toBe(false);
});

test('a cluster that lets nobody in any more says which file that is', async () => {
  const first = await start();
  await first.stop();
  writeFileSync(join(dataDir, 'postgres', 'pg_hba.conf'), 'host all all 10.0.0.0/8 reject\n');

  await expect(start()).rejects.toThrow(
    /lets postgres in by no line of \S+pg_hba\.conf: put back "local all all/,
  );
});

test('a second start keeps the data and the passwords', async () => {
  const first = await start();
  await query(first, 'direct', 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.stop();

  const second = await start();

  expect(await query(second, 'pooled', 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(second.env['DB_PASSWORD']).toBe(first.env['DB_PASSWORD']);
});

test.each(['postgres', 'pgbouncer', 'redis'] as const)('brings %s back when it dies', async (part) => {
  const stack = await start();
  const pid = stack[part]?.pid ?? 0;

  process.kill(pid, 'SIGKILL');
  await until(`${part} runs again`, async () => {
    const next = stack[part]?.pid;
    return Boolean(next && next !== pid) && (await answers(stack));
  });

  expect(lines.some((line) => line.includes('ended unexpectedly by SIGKILL; restarting it'))).toBe(true);
});

test('what is killed on purpose stays down until it is started', async () => {
  const stack = await start();

  await stack.postgres.kill();
  expect(stack.postgres.pid).toBeNull();
  await expect(query(stack, 'direct', 'SELECT 1')).rejects.toThrow();
  await stack.postgres.start();

  expect(await query(stack, 'direct', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('its servers end with a process that is killed, and the next start recovers', async () => {
  const child = fork(STACK_MAIN, [dataDir]);
  const [pids] = (await once(child, 'message')) as [Record<string, number>];

  child.kill('SIGKILL');
  const stack = await start();

  expect(Object.values(pids).filter(isRunning)).toEqual([]);
  expect(await query(stack, 'pooled', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a taken port that was chosen is refused by the name of its variable', async () => {
  const port = await findFreePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');

  await expect(start({ ports: 'default', chosenPorts: { DB_PORT: port } })).rejects.toThrow(
    `DB_PORT: port ${port} is taken: free it, or choose another DB_PORT`,
  );

  other.close();
  expect(running()).toEqual([]);
});

test('a second stack on the same data directory is refused with the process that holds it', async () => {
  await start();

  await expect(start()).rejects.toThrow(`Rowhouse already runs on ${dataDir} (process ${process.pid})`);
});

test('a server that does not start leaves nothing running and shows its log', async () => {
  await (await start()).stop();
  appendFileSync(join(dataDir, 'postgres', 'postgresql.auto.conf'), 'no_such_setting = 1\n');

  const failure = await start().catch((error: unknown) => error);

  expect(failure).toMatchObject({
    message: expect.stringMatching(/^PostgreSQL did not start: it ended at once/),
  });
  expect(failure).toMatchObject({
    details: expect.arrayContaining([expect.stringMatching('no_such_setting')]),
  });
  expect(running()).toEqual([]);
});
