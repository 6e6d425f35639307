import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { ask, startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';
const MEGABYTE = 1024 * 1024;
const nested = (depth: number) => `{"name": ${'['.repeat(depth)}${']'.repeat(depth)}}`;

let stack: TestStack;
let app: NestFastifyApplication;

beforeAll(async () => {
  stack = await startTestStack();
  const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY, AUTH_FAILURE_LIMIT: '0' });
  await migrate(config);
  app = await startHttpApp(config);
});

afterAll(async () => {
  await app?.close();
  await stack?.stop();
});

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${url()}/api/things`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

describe('a body', () => {
  test.each([
    ['is not looked at without a key', {}],
    ['is not looked at with a wrong one', { 'x-api-key': `rh_aaaaaaaaaaaa_${'a'.repeat(40)}` }],
  ])('%s', async (_, headers) => {
    for (const body of ['no JSON', nested(500_000), 'x'.repeat(3 * MEGABYTE)]) {
      const answer = await post(body, headers as Record<string, string>);

      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  test.each([
    ['too deep for any', nested(500_000), 'body', 'must be nested at most 32 levels deep'],
    ['deeper than a field may be', nested(40), 'name', 'must be nested at most 32 levels deep'],
    ['without an end', '{"name": ['.repeat(20), 'body', 'must be valid JSON'],
  ])('that is %s is refused', async (_, body, field, message) => {
    const answer = await post(body, { 'x-api-key': KEY });

    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { field: string; message: string }[] };
    expect(errors[0]?.field).toMatch(new RegExp(`^${field}`));
    expect(errors[0]?.message).toBe(message);
  });

  test('with brackets in a text is taken', async () => {
    const answer = await post(JSON.stringify({ name: '['.repeat(1_000) }), { 'x-api-key': KEY });

    expect(answer.status).toBe(201);
  });

  const fields = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`field_${at}`, at])));

  test('with a thousand unknown fields names the first hundred of what is wrong', async () => {
    const answer = await post(fields(1_000), { 'x-api-key': KEY });
    const { errors } = (await answer.json()) as { errors: { message: string }[] };

    expect(answer.status).toBe(400);
    expect(errors).toHaveLength(101);
    expect(errors[100]?.message).toBe('has 901 more that are wrong');
  });

  test.each([1_001, 40_000])('of %i fields is refused with the limit', async (count) => {
    const answer = await post(fields(count), { 'x-api-key': KEY });

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: 'body: must have at most 1000 fields' });
  });

  test.each([
    ['by its length', () => 'x'.repeat(5 * MEGABYTE)],
    ['in chunks', () => new Blob(['x'.repeat(5 * MEGABYTE)]).stream()],
  ])('over the limit shows that it is, sent %s', async (_, make) => {
    for (let round = 0; round < 5; round += 1) {
      const answer = await fetch(`${url()}/api/things`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': KEY },
        body: make(),
        duplex: 'half',
      } as RequestInit);

      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    }
  });
});

test('an empty X-API-Key beside a good bearer counts as none', async () => {
  const answer = await fetch(`${url()}/api/things`, {
    headers: { 'x-api-key': '', authorization: `Bearer ${KEY}` },
  });

  expect(answer.status).toBe(200);
  expect((await ask(app, '/api/things', { key: null })).status).toBe(401);
});

function url(): string {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
