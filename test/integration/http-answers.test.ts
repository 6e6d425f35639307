import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { type Ask, ask, startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';

let stack: TestStack;
let app: NestFastifyApplication;
const call = (path: string, options: Ask = {}) => ask(app, path, { key: KEY, ...options });
const post = (rawBody: string, headers?: Record<string, string>) =>
  call('/api/things', { method: 'POST', rawBody, headers });

beforeAll(async () => {
  stack = await startTestStack({ withRedis: false });
  const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY });
  await migrate(config);
  app = await startHttpApp(config);
});

afterAll(async () => {
  await app?.close();
  await stack?.stop();
});

describe('success', () => {
  test('is wrapped, with status, message and headers of the reply', async () => {
    const answer = await call('/api/things', { method: 'POST', body: { name: 'a' } });

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ success: true, message: 'Made', data: { name: 'a' } });
    expect(answer.headers.get('location')).toMatch(/^\/api\/things\//);
  });

  test('of a list has count and next_cursor', async () => {
    const answer = await call('/api/things');

    expect(answer.body).toEqual({ success: true, data: [{ limit: 50 }], count: 1, next_cursor: null });
  });

  test('carries the request id that the client gave, and none that is not sane', async () => {
    const given = await call('/api/things', { headers: { 'x-request-id': 'trace-1' } });
    const odd = await call('/api/things', { headers: { 'x-request-id': 'a b"c' } });

    expect(given.headers.get('x-request-id')).toBe('trace-1');
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('carries security headers', async () => {
    const { headers } = await call('/api/things');

    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('may be raw', async () => {
    expect((await call('/api/things/raw')).body).toBe('raw');
  });

  test('of an open route knows the caller as anonymous', async () => {
    expect((await call('/api/things/open')).body.data).toBe('anonymous');
  });
});

describe('a problem', () => {
  test('has all members, its own content type and the request id', async () => {
    const answer = await call('/api/things/busy');

    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toEqual({
      success: false,
      type: 'urn:rowhouse:problem:resource-busy',
      title: 'Another operation works on it',
      status: 409,
      detail: 'Somebody else works on it.',
      code: 'RESOURCE_BUSY',
      request_id: answer.headers.get('x-request-id'),
      retryable: true,
    });
  });

  test('that nobody foresaw is a bland 500', async () => {
    const answer = await call('/api/things/broken');

    expect(answer.status).toBe(500);
    expect(answer.body.code).toBe('INTERNAL');
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test.each<[string, string, Ask, number, string]>([
    ['an unknown route', '/api/nowhere', {}, 404, 'NOT_FOUND'],
    ['an unknown route outside the API', '/nowhere', {}, 404, 'NOT_FOUND'],
    ['a wrong method', '/api/things', { method: 'PATCH' }, 405, 'METHOD_NOT_ALLOWED'],
    ['a broken URL', '/api/things/%zz', {}, 400, 'VALIDATION_FAILED'],
  ])('answers %s', async (_, path, options, status, code) => {
    const answer = await call(path, options);

    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ success: false, code, status });
  });

  test('of a wrong method names the right ones', async () => {
    const answer = await call('/api/things', { method: 'PATCH' });

    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  test.each<[string, string, Record<string, string> | undefined, number, string]>([
    ['broken JSON', '{"name": ', undefined, 400, 'MALFORMED_BODY'],
    ['a list', '[]', undefined, 400, 'MALFORMED_BODY'],
    ['a string', '"x"', undefined, 400, 'MALFORMED_BODY'],
    ['null', 'null', undefined, 400, 'MALFORMED_BODY'],
    ['a prototype', '{"__proto__": {"a": 1}, "name": "x"}', undefined, 400, 'MALFORMED_BODY'],
    ['plain text', 'name=x', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a form',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['5 MB', JSON.stringify({ name: 'x'.repeat(5_000_000) }), undefined, 413, 'PAYLOAD_TOO_LARGE'],
  ])('answers a body that is %s', async (_, rawBody, headers, status, code) => {
    const answer = await post(rawBody, headers);

    expect(answer.status).toBe(status);
    expect(answer.body.code).toBe(code);
    if (code === 'MALFORMED_BODY') expect(answer.body.errors[0].field).toBe('body');
  });

  test('of a body that is nested without end is no crash', async () => {
    const depth = 200_000;

    const answer = await post(`{"name": ${'['.repeat(depth)}${']'.repeat(depth)}}`);

    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'MALFORMED_BODY' });
  });

  test('says that PostgreSQL is away, and no more when it is back', async () => {
    await stack.postgres.stop();
    const away = await call('/api/things/query');
    await stack.postgres.start();

    expect(away.status).toBe(503);
    expect(away.body).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
    expect(away.headers.get('retry-after')).toBe('2');
    await expect.poll(async () => (await call('/api/things/query')).status, { timeout: 15_000 }).toBe(200);
  });
});

describe('validation', () => {
  const errorsOf = async (body: unknown): Promise<[string, string][]> => {
    const answer = await post(JSON.stringify(body));
    expect(answer.status).toBe(400);
    return answer.body.errors.map(({ field, message }: { field: string; message: string }) => [
      field,
      message,
    ]);
  };

  test('names every bad field at once, nested and unknown ones too', async () => {
    const errors = await errorsOf({ count: 0, part: { size: 'x' }, colour: 'red' });

    expect(errors.map(([field]) => field).sort()).toEqual(['colour', 'count', 'name', 'part.size']);
  });

  test('says what would be accepted', async () => {
    expect(await errorsOf({})).toEqual([['name', 'is required: must be a string']]);
    expect(await errorsOf({ name: 'x', colour: 1 })).toEqual([
      ['colour', 'is not known; known are count, name, part'],
    ]);
    expect(await errorsOf({ name: 'x', count: 11 })).toEqual([['count', 'must not be greater than 10']]);
  });

  test('converts nothing', async () => {
    expect((await errorsOf({ name: 'x', count: '5' }))[0]?.[0]).toBe('count');
    expect((await errorsOf({ name: 5 }))[0]).toEqual(['name', 'must be a string']);
  });

  test.each([
    ['NUL', { name: 'a\0b' }, 'name'],
    ['half a surrogate pair', { name: '\ud800' }, 'name'],
    ['NUL deep inside', { name: 'x', part: { size: ['\0'] } }, 'part.size[0]'],
  ])('names the field with %s', async (_, body, field) => {
    expect((await errorsOf(body))[0]?.[0]).toBe(field);
  });

  test('takes no body for an empty one, and names what it misses', async () => {
    const answer = await post('');

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe('name');
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=abc',
    'limit=1.5',
    'limit=',
    'limit=1&limit=2',
    'colour=red',
    'cursor=%00',
  ])('refuses the query %s', async (query) => {
    const answer = await call(`/api/things?${query}`);

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe(query.split('=')[0]);
  });

  test('converts a limit', async () => {
    expect((await call('/api/things?limit=7')).body.data).toEqual([{ limit: 7 }]);
  });

  test('names a bad UUID', async () => {
    const answer = await call('/api/things/42');

    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ field: 'id', message: 'must be a UUID' }]);
  });
});

describe('Prefer', () => {
  const contextWith = (prefer: string) =>
    call('/api/things/context', { method: 'POST', headers: { prefer } });

  test.each([
    ['wait=7', 7_000, 'wait=7'],
    ['respond-async', 0, 'respond-async'],
    ['wait=1000', 30_000, null],
  ])('%s', async (prefer, waitMs, applied) => {
    const answer = await contextWith(prefer);

    expect(answer.body.data.waitMs).toBe(waitMs);
    expect(answer.headers.get('preference-applied')).toBe(applied);
  });
});

describe('the documentation', () => {
  test('is served with all it needs', async () => {
    const page = await call('/docs', { key: null });
    const script = await call('/docs/swagger-ui-bundle.js', { key: null });

    expect(page.body).toContain('swagger-ui');
    expect(script.status).toBe(200);
  });

  test('comes as JSON and as YAML', async () => {
    const json = await call('/docs-json', { key: null });
    const yaml = await call('/docs-yaml', { key: null });

    expect(json.body.paths['/api/api-keys'].post.operationId).toBe('createApiKey');
    expect(yaml.body).toContain('/api/api-keys');
  });
});
