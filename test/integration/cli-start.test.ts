import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDirectory } from '../support/stack.js';
import { until } from '../support/until.js';

/** On a machine that is busy; a cluster is made, and each of its files written to disk. */
const LONGEST_START_MS = 180_000;

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** `rowhouse start` on a data directory of its own; it ends with the test. */
function start() {
  const dataDir = createTestDirectory();
  const env = { PATH: process.env.PATH, HOME: dataDir, ROWHOUSE_DATA_DIR: dataDir, PORT: '0' };
  const child = spawn(process.execPath, [CLI, 'start'], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += String(data);
    });
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'close');
    rmSync(dataDir, { recursive: true, force: true });
  });
  return { child, dataDir, lines: () => output.trimEnd().split('\n') };
}

test('the command that npx looks for can be run', () => {
  expect(statSync(CLI).mode & 0o111).toBe(0o111);
});

test('says last what was stopped, once all of it is', { timeout: 2 * LONGEST_START_MS }, async () => {
  const { child, lines } = start();
  await until('it is ready', () => lines().some((line) => line.includes('Swagger UI')), {
    timeoutMs: LONGEST_START_MS,
  });

  child.kill('SIGINT');

  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(lines().slice(-2)).toEqual(['Stopping', 'Stopped: the API, PgBouncer, Redis, PostgreSQL']);
});

test('where no terminal is, the admin key is in a file and in no line', {
  timeout: 2 * LONGEST_START_MS,
}, async () => {
  const { dataDir, lines } = start();
  await until('it is ready', () => lines().some((line) => line.includes('curl -s')), {
    timeoutMs: LONGEST_START_MS,
  });

  const file = join(dataDir, 'admin-key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const key = readFileSync(file, 'utf8').trim();
  expect(key).toMatch(/^rh_[a-z0-9]{12}_/);
  const url = lines()
    .join('\n')
    .match(/API +(http:\S+)/)?.[1];
  expect((await fetch(`${url}/databases`, { headers: { 'x-api-key': key } })).status).toBe(200);
  expect(lines().join('\n')).toContain(file);
  expect(lines().join('\n')).not.toContain(key);
});

test('says so also when it is ended while it starts', { timeout: 2 * LONGEST_START_MS }, async () => {
  const { child, lines } = start();
  await until('it works', () => lines().some((line) => line.startsWith('✔')), {
    timeoutMs: LONGEST_START_MS,
  });

  child.kill('SIGINT');

  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(lines().at(-1)).toMatch(/^Stopped: /);
});
