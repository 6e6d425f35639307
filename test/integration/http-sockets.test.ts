import { promisify } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { requestFrom } from '../support/from-address.js';
import { parseAnswer, RawConnection } from '../support/raw-http.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { type Ask, ask, startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';
const ORIGIN = 'https://console.example.com';
const REQUEST_TIMEOUT_SECONDS = 2;

let stack: TestStack;
let app: NestFastifyApplication;
let withCors: NestFastifyApplication;
const call = (path: string, options: Ask = {}) => ask(app, path, { key: KEY, ...options });

async function send(...parts: string[]) {
  const connection = await RawConnection.open(await app.getUrl());
  for (const part of parts) connection.write(part);
  return parseAnswer(await connection.untilClosed());
}

beforeAll(async () => {
  stack = await startTestStack({ withRedis: false });
  const env = {
    ...stack.env,
    NODE_ENV: 'test',
    API_KEY: KEY,
    HEADERS_TIMEOUT_SECONDS: '1',
    REQUEST_TIMEOUT_SECONDS: String(REQUEST_TIMEOUT_SECONDS),
    TRUST_PROXY: '127.0.0.99',
  };
  await migrate(loadConfig(env));
  app = await startHttpApp(loadConfig(env));
  withCors = await startHttpApp(loadConfig({ ...env, CORS_ORIGINS: `${ORIGIN}, http://localhost:5173` }));
});

afterAll(async () => {
  await app?.close();
  await withCors?.close();
  await stack?.stop();
});

describe('a client that sends', () => {
  test('its headers too slowly is told and dropped', async () => {
    const connection = await RawConnection.open(await app.getUrl());
    connection.write('GET /api/things HTTP/1.1\r\nHost: x\r\n');
    const dripping = setInterval(() => connection.write('X-Drip: 1\r\n'), 200);

    const answer = parseAnswer(await connection.untilClosed());
    clearInterval(dripping);

    expect(answer.status).toBe(408);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'REQUEST_TIMED_OUT', success: false });
  });

  test('its body too slowly is told and dropped', async () => {
    const connection = await RawConnection.open(await app.getUrl());
    connection.write(
      `POST /api/things HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    );
    const dripping = setInterval(() => connection.write(' '), 200);

    const answer = parseAnswer(await connection.untilClosed());
    clearInterval(dripping);

    expect(answer.status).toBe(408);
  });

  test('headers that are too large gets 431', async () => {
    const answer = await send(`GET /api/things HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`);

    expect(answer.status).toBe(431);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'HEADERS_TOO_LARGE', status: 431 });
  });

  test('no HTTP at all gets 400', async () => {
    const answer = await send('\x16\x03\x01\x02\x00 hello\r\n\r\n');

    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body).code).toBe('MALFORMED_REQUEST');
  });

  test('a body without end, and without saying its length, gets 413', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const answer = await send(
      `POST /api/things HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
      ...Array<string>(20).fill(chunk),
    );

    expect(answer.status).toBe(413);
    expect(answer.body).toContain('PAYLOAD_TOO_LARGE');
  });

  test('nothing for a while after its request still gets its stream to the end', async () => {
    const start = performance.now();
    const answer = await call('/api/things/stream');

    expect(answer.body).toBe('tick\n'.repeat(8));
    expect(performance.now() - start).toBeGreaterThan(REQUEST_TIMEOUT_SECONDS * 1000);
  });
});

describe('security headers are on', () => {
  const expected = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };

  test.each<[string, number, string, Ask]>([
    ['an answer', 200, '/api/things', {}],
    ['a refusal', 401, '/api/things', { key: null }],
    ['an unknown route', 404, '/nowhere', {}],
    ['a broken URL', 400, '/api/things/%zz', {}],
    ['a broken body', 400, '/api/things', { method: 'POST', rawBody: '{' }],
    ['a crash', 500, '/api/things/broken', {}],
    ['a raw answer', 200, '/api/things/raw', {}],
    ['a health check', 200, '/health', {}],
  ])('%s (%i)', async (_, status, path, options) => {
    const answer = await call(path, options);

    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(expected);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    expect(answer.headers.get('strict-transport-security')).toBeNull();
  });

  test('what never became a request', async () => {
    const answer = await send('nonsense\r\n\r\n');

    expect(Object.fromEntries(answer.headers)).toMatchObject(expected);
  });

  test('a preflight', async () => {
    const answer = await ask(withCors, '/api/things', {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
    });

    expect(Object.fromEntries(answer.headers)).toMatchObject(expected);
  });

  test('Swagger UI, with a policy that runs nothing but its own files', async () => {
    const page = await call('/docs');
    const policy = page.headers.get('content-security-policy') ?? '';

    expect(page.status).toBe(200);
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.body).not.toMatch(/<script>|<script [^>]*src="http/);
    expect((await call('/docsx')).headers.get('content-security-policy')).not.toContain('script-src');
  });

  test('TLS, which a trusted proxy tells of, adds Strict-Transport-Security', async () => {
    const url = `${await app.getUrl()}/health`;
    const headers = { 'x-forwarded-proto': 'https' };

    const trusted = await requestFrom(url, { from: '127.0.0.99', headers });
    const other = await requestFrom(url, { from: '127.0.0.98', headers });

    expect(trusted.headers['strict-transport-security']).toBe('max-age=31536000');
    expect(other.headers['strict-transport-security']).toBeUndefined();
  });
});

describe('the rate limit is told on', () => {
  test.each<[string, string, Ask]>([
    ['an answer', '/api/things', {}],
    ['a refusal', '/api/things', { key: null }],
    ['an unknown route', '/api/nowhere', {}],
    ['a broken body', '/api/things', { method: 'POST', rawBody: '{' }],
    ['a body that is too large', '/api/things', { method: 'POST', rawBody: 'x'.repeat(2_000_000) }],
    ['an open route', '/api/things/open', { key: null }],
  ])('%s', async (_, path, options) => {
    const { headers } = await call(path, options);

    const limit = options.key === null ? 600 : 6000;
    expect(headers.get('ratelimit-limit')).toBe(String(limit));
    expect(Number(headers.get('ratelimit-remaining'))).toBeLessThan(limit);
    expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(0);
  });
});

describe('CORS', () => {
  const preflight = (origin: string, on = withCors) =>
    ask(on, '/api/things', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'x-api-key',
      },
    });
  const allowedOrigin = async (origin: string, on: NestFastifyApplication) =>
    (await ask(on, '/api/things', { key: KEY, headers: { origin } })).headers.get(
      'access-control-allow-origin',
    );

  test('is off unless configured', async () => {
    expect(await allowedOrigin(ORIGIN, app)).toBeNull();
    expect((await preflight(ORIGIN, app)).headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(['https://evil.example', `${ORIGIN}.evil.example`, 'http://console.example.com', 'null'])(
    'refuses %s',
    async (origin) => {
      expect(await allowedOrigin(origin, withCors)).toBeNull();
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('allows the exact origins, without credentials', async () => {
    const { status, headers } = await preflight(ORIGIN);

    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(headers.get('access-control-allow-headers')).toContain('X-API-Key');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')).toContain('Origin');
    expect(await allowedOrigin('http://localhost:5173', withCors)).toBe('http://localhost:5173');
  });

  test('lets a page read a refusal', async () => {
    const { headers } = await ask(withCors, '/api/things', { headers: { origin: ORIGIN } });

    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(headers.get('access-control-expose-headers')).toContain('RateLimit-Reset');
  });
});

test('a client that asks for nothing costs others nothing', async () => {
  const url = await app.getUrl();
  const idle = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(url)));
  const server = app.getHttpServer();
  const count = promisify<number>((done) => server.getConnections(done));
  await until('the server has them', async () => (await count()) >= idle.length);

  expect((await call('/api/things')).status).toBe(200);
  for (const connection of idle) connection.close();
});
