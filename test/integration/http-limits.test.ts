import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { ask, startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';
const LIMIT = 5;

let stack: TestStack;
let config: Config;
const apps: NestFastifyApplication[] = [];

async function start(changes: Partial<Config> = {}): Promise<NestFastifyApplication> {
  const app = await startHttpApp({ ...config, ...changes });
  apps.push(app);
  return app;
}

const statuses = async (app: NestFastifyApplication, times: number, key: string | null = KEY) => {
  const found: number[] = [];
  for (let i = 0; i < times; i += 1) found.push((await ask(app, '/api/things', { key })).status);
  return found;
};

beforeAll(async () => {
  stack = await startTestStack();
  config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY, RATE_LIMIT_PER_MINUTE: String(LIMIT) });
  await migrate(config);
});

afterAll(async () => {
  for (const app of apps) await app.close();
  await stack?.stop();
});

test('a key is limited in all processes together, with headers that say so', async () => {
  const [one, two] = [await start(), await start()];
  await until('Redis counts', async () => (await ask(one, '/api/things', { key: KEY })).status === 200);

  const first = await ask(one, '/api/things', { key: KEY });
  const others = await statuses(two, LIMIT);
  const last = await ask(two, '/api/things', { key: KEY });

  expect(first.headers.get('ratelimit-limit')).toBe(String(LIMIT));
  expect(Number(first.headers.get('ratelimit-remaining'))).toBeLessThan(LIMIT);
  expect(others.filter((status) => status === 200).length).toBeLessThan(LIMIT);
  expect(last.status).toBe(429);
  expect(last.body).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('wrong keys are limited by address, and do not use up the limit of a good one', async () => {
  const app = await start({ redisUrl: null });

  const wrong = await statuses(app, LIMIT + 1, `rh_aaaaaaaaaaaa_${'a'.repeat(40)}`);
  const none = await statuses(app, 1, null);
  const right = await statuses(app, LIMIT + 1);

  expect(wrong).toEqual([...Array(LIMIT).fill(401), 429]);
  expect(none).toEqual([429]);
  expect(right).toEqual([...Array(LIMIT).fill(200), 429]);
});

test('while Redis is away each process counts by itself', async () => {
  const app = await start();
  await stack.redis?.stop();

  const found = await statuses(app, LIMIT + 1);
  await stack.redis?.start();

  expect(found).toEqual([...Array(LIMIT).fill(200), 429]);
});
