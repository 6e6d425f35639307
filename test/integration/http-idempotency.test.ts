import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { IdempotencyStore } from '../../src/http/idempotency.store.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { newId } from '../../src/kernel/ids.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { ask, startHttpApp, ThingsController } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';

let stack: TestStack;
let app: NestFastifyApplication;
let control: DataSource;

const create = (idempotencyKey: string, body: unknown = { name: 'x' }, on = app) =>
  ask(on, '/api/things', { method: 'POST', key: KEY, body, headers: { 'idempotency-key': idempotencyKey } });

beforeAll(async () => {
  stack = await startTestStack({ withRedis: false });
  const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY });
  await migrate(config);
  app = await startHttpApp(config);
  control = app.get(DataSource);
});

beforeEach(() => {
  ThingsController.calls = 0;
  ThingsController.before = async () => {};
});

afterAll(async () => {
  await app?.close();
  await stack?.stop();
});

describe('the same Idempotency-Key', () => {
  test('gets the first answer again, whole', async () => {
    const key = newId();
    const first = await create(key);
    const second = await create(key);

    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(ThingsController.calls).toBe(1);
  });

  test('is the same request when its fields come in another order', async () => {
    const key = newId();
    await create(key, { name: 'x', count: 1 });

    expect((await create(key, { count: 1, name: 'x' })).headers.get('idempotent-replayed')).toBe('true');
  });

  test('keeps no secret in clear text', async () => {
    const key = newId();
    const { password } = (await create(key)).body.data;

    const rows = await control.query('SELECT * FROM idempotency_keys WHERE idempotency_key = $1', [key]);

    expect(JSON.stringify(rows)).not.toContain(password);
    expect(rows[0].response_masked.data.password).toBe('***');
  });

  test('gets the secrets masked when no ENCRYPTION_KEY is configured', async () => {
    const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY, ENCRYPTION_KEY: '' });
    const plain = await startHttpApp(config);
    const key = newId();
    const first = await create(key, { name: 'x' }, plain);
    const second = await create(key, { name: 'x' }, plain);
    await plain.close();

    expect(second.body.data).toEqual({ ...first.body.data, password: '***' });
  });

  test('with another body is refused', async () => {
    const key = newId();
    await create(key);

    const answer = await create(key, { name: 'y' });

    expect(answer.status).toBe(409);
    expect(answer.body.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('on another route is refused', async () => {
    const key = newId();
    await create(key);

    const answer = await ask(app, '/api/things/context', {
      method: 'POST',
      key: KEY,
      headers: { 'idempotency-key': key },
    });

    expect(answer.body.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('while the first request is being worked on is refused, and works once', async () => {
    const key = newId();
    let finish = () => {};
    ThingsController.before = () => new Promise((resolve) => (finish = resolve));
    const first = create(key);
    await expect.poll(() => ThingsController.calls).toBe(1);

    const second = await create(key);
    finish();

    expect(second.body).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_USE', retryable: true });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await first).status).toBe(201);
  });

  test('of twenty requests at once makes one thing', async () => {
    const key = newId();

    const answers = await Promise.all(Array.from({ length: 20 }, () => create(key)));

    expect(ThingsController.calls).toBe(1);
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
  });

  test('is free again after a failed request', async () => {
    const key = newId();
    ThingsController.before = () => Promise.reject(new Error('this time it fails'));
    const failed = await create(key);
    ThingsController.before = async () => {};

    expect(failed.status).toBe(500);
    expect((await create(key)).status).toBe(201);
  });

  test('is free again after a request that was not valid', async () => {
    const key = newId();

    expect((await create(key, {})).status).toBe(400);
    expect((await create(key, { name: 'x' })).status).toBe(201);
  });

  test('is free again after its day', async () => {
    const key = newId();
    await create(key);
    await control.query('UPDATE idempotency_keys SET expires_at = now() WHERE idempotency_key = $1', [key]);

    expect((await create(key, { name: 'y' })).headers.get('idempotent-replayed')).toBeNull();
  });

  test('is purged after its day', async () => {
    const key = newId();
    await create(key);
    await control.query('UPDATE idempotency_keys SET expires_at = now() WHERE idempotency_key = $1', [key]);
    await app.get(IdempotencyStore).dropExpired();

    expect(await control.query('SELECT 1 FROM idempotency_keys WHERE idempotency_key = $1', [key])).toEqual(
      [],
    );
  });
});

test('the key of a request that PostgreSQL crashed under is free again soon after', async () => {
  const key = newId();
  ThingsController.before = async () => {
    await stack.postgres.kill();
    await control.query('SELECT 1');
  };
  const failed = await create(key);
  ThingsController.before = async () => {};
  await stack.postgres.start();

  expect(failed.status).toBe(503);
  await expect.poll(async () => (await create(key)).status, { timeout: 20_000 }).toBe(201);
});

test('a request that outlasts its lock keeps its key, and its answer', async () => {
  const key = newId();
  let finish = () => {};
  ThingsController.before = () => new Promise((resolve) => (finish = resolve));
  const first = create(key);
  await expect.poll(() => ThingsController.calls).toBe(1);
  const length = `SELECT locked_until <= now() + interval '10 s' AS "isShort" FROM idempotency_keys WHERE idempotency_key = $1`;
  expect(await control.query(length, [key])).toEqual([{ isShort: true }]);
  await control.query('UPDATE idempotency_keys SET locked_until = now() WHERE idempotency_key = $1', [key]);

  const second = await create(key);
  const lock = 'SELECT locked_until > now() AS held FROM idempotency_keys WHERE idempotency_key = $1';
  await expect.poll(() => control.query(lock, [key]), { timeout: 10_000 }).toEqual([{ held: true }]);
  finish();

  expect(second.body.code).toBe('IDEMPOTENCY_KEY_IN_USE');
  expect((await first).status).toBe(201);
  expect((await create(key)).headers.get('idempotent-replayed')).toBe('true');
  expect(ThingsController.calls).toBe(1);
});

describe('a request whose process died', () => {
  test('keeps its key no longer than its answer says', async () => {
    const key = newId();
    await create(key);
    await control.query(
      `UPDATE idempotency_keys SET locked_until = now() + interval '7 s', response_status = NULL
       WHERE idempotency_key = $1`,
      [key],
    );

    const answer = await create(key);

    expect(answer.status).toBe(409);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(7);
  });

  /** What such a request leaves behind. */
  async function die(key: string, state: string | null): Promise<string | null> {
    const operationId = state && newId();
    if (operationId) {
      await control.query(
        `INSERT INTO operations (id, kind, subject_type, state, max_attempts, deadline_at, actor)
         VALUES ($1, 'test', 'thing', $2, 1, now() + interval '1 hour', '{}')`,
        [operationId, state],
      );
    }
    await control.query(
      `UPDATE idempotency_keys SET locked_until = now(), operation_id = $2, response_status = NULL
       WHERE idempotency_key = $1`,
      [key, operationId],
    );
    return operationId;
  }

  test.each([['running'], ['pending'], ['succeeded']])(
    'is answered from its operation, which is %s',
    async (state) => {
      const key = newId();
      await create(key);
      const operationId = await die(key, state);

      const answer = await create(key);

      expect(answer.status).toBe(202);
      expect(answer.body.data).toMatchObject({ id: operationId, state });
      expect(answer.headers.get('location')).toBe(`/api/operations/${operationId}`);
      expect(ThingsController.calls).toBe(1);
    },
  );

  test.each([['failed'], ['cancelled'], [null]])('is done anew when its operation is %s', async (state) => {
    const key = newId();
    await create(key);
    await die(key, state);

    expect((await create(key)).status).toBe(201);
    expect(ThingsController.calls).toBe(2);
  });
});

describe('the key itself', () => {
  test.each([
    ['empty', ''],
    ['too long', 'x'.repeat(256)],
    ['not ASCII', 'caf\u00e9'],
  ])('is named when it is %s', async (_, key) => {
    const answer = await create(key);

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe('Idempotency-Key');
  });

  test('means nothing on other methods', async () => {
    const headers = { 'idempotency-key': 'x'.repeat(300) };

    expect((await ask(app, '/api/things', { key: KEY, headers })).status).toBe(200);
  });

  test('is each API key its own', async () => {
    const key = newId();
    await create(key);
    const body = { name: 'other', scopes: ['databases:write'] };
    const other = await ask(app, '/api/api-keys', { method: 'POST', key: KEY, body });

    const answer = await ask(app, '/api/things', {
      method: 'POST',
      key: other.body.data.key,
      body: { name: 'y' },
      headers: { 'idempotency-key': key },
    });

    expect(answer.status).toBe(201);
  });
});
