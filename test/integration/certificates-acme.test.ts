import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createWebServer, type Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp } from '../../src/bootstrap.js';
import { loadConfigOver } from '../../src/config/stack-config.js';
import type { AcmeTls } from '../../src/config/tls-config.js';
import { findFreePort } from '../../src/infra/process/ports.js';
import { type LocalStack, startLocalStack } from '../../src/stack/local-stack.js';
import { type Pebble, startPebble } from '../support/pebble.js';
import { createTestDirectory } from '../support/stack.js';
import { until } from '../support/until.js';
import { getVerified, NAME, openTransactions, PORTS, serials, verifyFull } from './certificates-fixture.js';

/** Less than certbot's thirty days: every check finds the certificate due. */
const VALID_DAYS = 10;
const files = mkdtempSync(join(tmpdir(), 'rowhouse-acme-'));
const rootFile = join(files, 'root.crt');
const dataDir = createTestDirectory();
let pebble: Pebble;
let stack: LocalStack | null = null;
let lines: string[] = [];

beforeAll(async () => {
  pebble = await startPebble({ directory: files, validDays: VALID_DAYS });
  writeFileSync(rootFile, pebble.root);
});

afterAll(async () => {
  await stack?.stop();
  await pebble.stop();
  for (const directory of [files, dataDir]) rmSync(directory, { recursive: true });
});

async function start(everyMs: number, webroot: string | null = null): Promise<LocalStack> {
  lines = [];
  const tls: AcmeTls = {
    mode: 'acme',
    name: NAME,
    email: 'ops@rowhouse.test',
    directoryUrl: pebble.directoryUrl,
    httpPort: pebble.httpPort,
    webroot,
    serverCaFile: pebble.serverCaFile,
    caFile: rootFile,
  };
  stack = await startLocalStack({
    dataDir,
    ports: 'free',
    publicHost: '127.0.0.1',
    durable: false,
    withRedis: false,
    tls,
    renewalTimes: { everyMs, firstRetryMs: 1_000 },
    report: (line) => lines.push(line),
  });
  return stack;
}

const untilReported = (text: string) =>
  until(`"${text}" is reported`, () => lines.find((line) => line.includes(text)), { timeoutMs: 30_000 });

test('the local CA serves until the first certificate is there; failures are told and tried again', async () => {
  const occupier = createServer((socket) => socket.destroy()).listen(pebble.httpPort);
  await once(occupier, 'listening');
  const running = await start(3_600_000);

  expect(lines.join('\n')).toContain(`There is no certificate for ${NAME} yet`);
  expect(await untilReported('certbot got no certificate, next attempt in 1 min')).toMatch(
    new RegExp(`port ${pebble.httpPort}`),
  );
  const local = await serials(running);
  expect(await canVerify(running)).toBe(false);

  occupier.close();
  await untilReported('New certificate on both ports');

  expect(await canVerify(running)).toBe(true);
  const issued = await serials(running);
  expect(issued.direct).toBe(issued.pooled);
  expect(issued.direct).not.toBe(local.direct);
});

test('the next start serves it at once, and the API too, with the CA that clients need', async () => {
  const before = await serials(stack as LocalStack);
  await stack?.stop();

  const running = await start(3_600_000);

  expect(lines.join('\n')).not.toContain('There is no certificate');
  const { app, port } = await startApi(running);
  try {
    const ready = await getVerified(port, '/health/ready', pebble.root);
    const ca = new X509Certificate((await getVerified(port, '/api/ca-certificate', pebble.root)).text);
    expect(ca.fingerprint256).toBe(new X509Certificate(pebble.root).fingerprint256);
    expect(JSON.parse(ready.text).certificates).toMatchObject(
      ['postgres', 'pgbouncer', 'api'].map((endpoint) => ({
        endpoint,
        status: 'expiring',
        serial: ready.serial,
        issuer: expect.stringContaining('Pebble'),
        days_left: VALID_DAYS - 1,
      })),
    );
    // The check at the start has found it due.
    await untilReported('New certificate on both ports');
    await until('the API serves the new one too', async () => {
      const { serial } = await getVerified(port, '/health', pebble.root);
      return serial === (await serials(running)).direct && serial !== before.direct;
    });
  } finally {
    await app.close();
  }
});

test('a renewal, through the web server that is there, replaces it while transactions go on', async () => {
  await stack?.stop();
  const webroot = mkdtempSync(join(files, 'webroot-'));
  const webServer = serveFiles(webroot).listen(pebble.httpPort);
  const running = await start(4_000, webroot);
  const before = await serials(running);
  const transactions = await openTransactions(running);

  await untilReported('New certificate on both ports');

  expect(await transactions.finish()).toEqual([true, true]);
  const after = await serials(running);
  expect(after.direct).not.toBe(before.direct);
  expect(await canVerify(running)).toBe(true);
  webServer.close();
});

function serveFiles(root: string): Server {
  return createWebServer(async (asked, answer) => {
    const text = await readFile(join(root, asked.url ?? '')).catch(() => null);
    answer.writeHead(text ? 200 : 404).end(text ?? '');
  });
}

async function canVerify(running: LocalStack): Promise<boolean> {
  const answers = await Promise.all(
    PORTS.map((port) =>
      verifyFull(running, port, rootFile).catch((error: Error) => {
        expect(error.message).toMatch(/certificate verify failed/);
        return 'refused';
      }),
    ),
  );
  return answers.every((answer) => answer === '42');
}

async function startApi(running: LocalStack) {
  const port = await findFreePort();
  const config = loadConfigOver(
    { ...running.env, PORT: String(port) },
    { NODE_ENV: 'test', LOG_LEVEL: 'silent', API_TLS: 'true', WARM_POOL_SIZE: '0' },
  );
  return { port, app: (await startApp(config)).app };
}
