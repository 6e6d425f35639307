import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { type AddressedRequest, requestFrom } from '../support/from-address.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';
const WRONG = `rh_aaaaaaaaaaaa_${'a'.repeat(40)}`;
const LIMIT = 4;

let stack: TestStack;
let config: Config;
/** Two processes of one installation. */
let first: NestFastifyApplication;
let second: NestFastifyApplication;
let control: DataSource;

type Ask = Partial<AddressedRequest> & { from: string; path?: string; app?: NestFastifyApplication };

async function ask({ path = '/api/things', app = first, ...options }: Ask) {
  return requestFrom((await app.getUrl()) + path, options);
}

const statusOf = async (options: Ask) => (await ask(options)).status;

async function fail(from: string, times = LIMIT, headers = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let at = 0; at < times; at += 1) statuses.push(await statusOf({ from, key: WRONG, headers }));
  return statuses;
}

const lift = (address: string) =>
  ask({
    from: '127.0.0.1',
    method: 'DELETE',
    path: `/api/address-bans/${encodeURIComponent(address)}`,
    key: KEY,
  });

beforeAll(async () => {
  stack = await startTestStack();
  config = loadConfig({
    ...stack.env,
    NODE_ENV: 'test',
    API_KEY: KEY,
    AUTH_FAILURE_LIMIT: String(LIMIT),
    AUTH_BAN_SECONDS: '600',
    TRUST_PROXY: '127.0.0.99',
  });
  await migrate(config);
  first = await startHttpApp(config);
  second = await startHttpApp(config);
  control = first.get(DataSource);
});

afterAll(async () => {
  await first?.close();
  await second?.close();
  await stack?.stop();
});

describe('an address with too many wrong keys', () => {
  const from = '127.0.0.2';

  test('is banned, with the time it has to wait', async () => {
    const statuses = await fail(from);
    const answer = await ask({ from, key: WRONG });

    expect(statuses).toEqual(Array(LIMIT).fill(401));
    expect(answer.status).toBe(429);
    expect(answer.body).toMatchObject({ code: 'ADDRESS_BANNED', retryable: true });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(590);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(600);
  });

  test.each([
    ['with a right key that never worked from there', { key: KEY }],
    ['without a key', {}],
    ['to an open route', { path: '/api/things/open' }],
    ['to a route that does not exist', { path: '/api/nowhere' }],
    ['with a method that does not exist', { method: 'PATCH' }],
    ['to Swagger UI', { path: '/docs' }],
    ['with a body that is never read', { method: 'POST', body: 'x'.repeat(5_000_000), key: KEY }],
  ])('is refused %s', async (_, options) => {
    expect(await statusOf({ from, ...options })).toBe(429);
  });

  test('is told by health checks that all is well, in every process', async () => {
    for (const app of [first, second]) {
      expect(await statusOf({ from, path: '/health', app, key: WRONG })).toBe(200);
    }
  });

  test('is refused by the other process too, and others are not', async () => {
    await until('the other process knows', async () => (await statusOf({ from, app: second })) === 429);

    expect(await statusOf({ from: '127.0.0.3', key: KEY, app: second })).toBe(200);
  });

  test('stays banned when the process starts again', async () => {
    const again = await startHttpApp(config);

    expect(await statusOf({ from, key: KEY, app: again })).toBe(429);
    await again.close();
  });

  test('is listed with an audit row, and lifted at once in every process', async () => {
    const { body } = await ask({ from: '127.0.0.1', path: '/api/address-bans', key: KEY });
    const [ban] = body.data;
    const lifted = await lift(from);

    expect(ban).toMatchObject({ address: `${from}/32`, failures: LIMIT });
    expect(lifted.body.data).toEqual(ban);
    expect(await statusOf({ from, key: KEY })).toBe(200);
    await until(
      'the other process knows',
      async () => (await statusOf({ from, key: KEY, app: second })) === 200,
    );
    const rows = await control.query(
      'SELECT action, actor_id, host(address) AS address FROM audit_logs WHERE resource_id = $1 ORDER BY occurred_at',
      [ban.id],
    );
    expect(rows).toEqual([
      { action: 'address-ban.create', actor_id: 'system', address: from },
      { action: 'address-ban.lift', actor_id: 'environment', address: '127.0.0.1' },
    ]);
  });

  test('begins anew afterwards: it takes as many failures again', async () => {
    expect(await fail(from, LIMIT - 1)).toEqual(Array(LIMIT - 1).fill(401));
    expect(await statusOf({ from, key: KEY })).toBe(200);
  });
});

test('failures in different processes add up', async () => {
  const from = '127.0.0.5';
  const statuses: number[] = [];
  for (let at = 0; at < LIMIT; at += 1)
    statuses.push(await statusOf({ from, key: WRONG, app: at % 2 ? first : second }));

  expect(statuses).toEqual(Array(LIMIT).fill(401));
  await until(
    'both know',
    async () => (await statusOf({ from })) === 429 && (await statusOf({ from, app: second })) === 429,
  );
});

test('a key that worked from there before goes on working, others are refused unjudged', async () => {
  const from = '127.0.0.6';
  await ask({ from, key: KEY });
  await fail(from);

  expect(await statusOf({ from, key: KEY })).toBe(200);
  expect(await statusOf({ from, key: `${KEY}x` })).toBe(429);
});

test('requests without a key are no failures', async () => {
  const from = '127.0.0.7';
  for (let at = 0; at < LIMIT + 2; at += 1) await ask({ from });

  expect(await statusOf({ from, key: KEY })).toBe(200);
});

test('each failure is answered later than the one before', async () => {
  const elapsed: number[] = [];
  for (let at = 0; at < 3; at += 1) {
    const start = performance.now();
    await ask({ from: '127.0.0.8', key: WRONG });
    elapsed.push(performance.now() - start);
  }

  for (const [at, ms] of elapsed.entries()) expect(ms).toBeGreaterThan(95 * (at + 1));
});

test('an IPv6 client is banned with its /64, wherever it goes in there', async () => {
  const from = '127.0.0.99';
  const via = (address: string) => ({ 'x-forwarded-for': address });
  await fail(from, LIMIT, via('2001:db8:1:2::a'));

  expect(await statusOf({ from, headers: via('2001:db8:1:2:ffff::b') })).toBe(429);
  expect(await statusOf({ from, headers: via('2001:db8:1:3::a'), key: KEY })).toBe(200);
  expect((await lift('2001:db8:1:2::/64')).body.data.address).toBe('2001:db8:1:2::/64');
  expect(await statusOf({ from, headers: via('2001:db8:1:2::a'), key: KEY })).toBe(200);
});

test('who is no trusted proxy cannot have another address banned, nor escape a ban', async () => {
  const from = '127.0.0.10';
  await fail(from, LIMIT, { 'x-forwarded-for': '127.0.0.11' });

  expect(await statusOf({ from, headers: { 'x-forwarded-for': '127.0.0.12' }, key: KEY })).toBe(429);
  expect(await statusOf({ from: '127.0.0.11', key: KEY })).toBe(200);
});

test.each([
  ['127.0.0.200', 404, 'NOT_FOUND'],
  ['127.0.0.0/8', 404, 'NOT_FOUND'],
  ['127.0.0.1/8', 400, 'VALIDATION_FAILED'],
  ['nonsense', 400, 'VALIDATION_FAILED'],
])('lifting %s, which is not banned, answers %i', async (address, status, code) => {
  const answer = await lift(address);

  expect(answer.status).toBe(status);
  expect(answer.body.code).toBe(code);
});

test('a ban ends by itself', async () => {
  const from = '127.0.0.13';
  const brief = await startHttpApp({ ...config, keyFailures: { limit: 1, banSeconds: 1 } });

  await ask({ from, key: WRONG, app: brief });
  const during = await statusOf({ from, key: KEY, app: brief });

  expect(during).toBe(429);
  await until('it is over', async () => (await statusOf({ from, key: KEY, app: brief })) === 200);
  await brief.close();
});

test('without Redis and control database a ban holds in the process, and is stored when they are back', async () => {
  const from = '127.0.0.14';
  await Promise.all([stack.redis?.stop(), stack.postgres.stop()]);
  // A key of no form at all is judged without the database.
  for (let at = 0; at < LIMIT; at += 1) await ask({ from, key: 'nonsense' });
  const during = await statusOf({ from, key: KEY });
  await Promise.all([stack.redis?.start(), stack.postgres.start()]);

  expect(during).toBe(429);
  await until(
    'it is stored',
    async () =>
      (await control.query('SELECT FROM address_bans WHERE network = $1', [`${from}/32`])).length > 0,
  );
});
