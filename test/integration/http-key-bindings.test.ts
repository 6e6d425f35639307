import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { newId } from '../../src/kernel/ids.js';
import { type AddressedRequest, requestFrom } from '../support/from-address.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { type Ask, ask, startHttpApp } from './http-fixture.js';

const KEY = 'an-admin-key-for-these-tests-only';
const [OWN, OTHER] = [newId(), newId()] as [string, string];
const LIMIT = 50;

let stack: TestStack;
let first: NestFastifyApplication;
let second: NestFastifyApplication;

const call = (path: string, options: Ask = {}) => ask(first, path, { key: KEY, ...options });
const create = (body: object, key = KEY) =>
  call('/api/api-keys', { method: 'POST', key, body: { name: 'k', scopes: ['*'], ...body } });
const createKey = async (body: object, key = KEY) => (await create(body, key)).body.data;

async function from(address: string, options: Partial<AddressedRequest> & { on?: NestFastifyApplication }) {
  const { on = first, ...rest } = options;
  return requestFrom(`${await on.getUrl()}/api/things`, { from: address, ...rest });
}

beforeAll(async () => {
  stack = await startTestStack();
  const config = loadConfig({
    ...stack.env,
    NODE_ENV: 'test',
    API_KEY: KEY,
    RATE_LIMIT_PER_MINUTE: String(LIMIT),
    AUTH_FAILURE_LIMIT: '0',
  });
  await migrate(config);
  first = await startHttpApp({ ...config, http: { ...config.http, rateLimitPerMinute: 1_000_000 } });
  second = await startHttpApp(config);
  for (const id of [OWN, OTHER]) await insertTenant(id);
});

afterAll(async () => {
  await first?.close();
  await second?.close();
  await stack?.stop();
});

/** A row is all that keys need of a tenant. */
async function insertTenant(id: string): Promise<void> {
  const control = first.get(DataSource);
  const server = newId();
  await control.query("INSERT INTO servers (id, name, host, port) VALUES ($1, $2, 'h', 1)", [server, server]);
  await control.query(
    `INSERT INTO tenants (id, slug, name, isolation, status, server_id, schema_name, max_connections,
       statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms)
     VALUES ($1, $2, 'n', 'database', 'creating', $3, 'public', 1, 1, 1, 1)`,
    [id, `t-${id}`, server],
  );
}

describe('a key for some networks', () => {
  test('is normalised and shown', async () => {
    const key = await createKey({ allowedCidrs: ['127.0.0.2', '2001:DB8::/32', '127.0.0.2/32'] });

    expect(key.allowed_cidrs).toEqual(['127.0.0.2/32', '2001:db8::/32']);
    expect((await call(`/api/api-keys/${key.id}`)).body.data.allowed_cidrs).toEqual(key.allowed_cidrs);
    expect((await createKey({ allowedCidrs: [] })).allowed_cidrs).toEqual([]);
  });

  test('works from there and nowhere else, in every process, also after it was verified', async () => {
    const { key } = await createKey({ allowedCidrs: ['127.0.0.2', '127.0.1.0/24'] });

    for (const on of [first, second]) {
      const before = await from('127.0.0.3', { key, on });
      const right = [await from('127.0.0.2', { key, on }), await from('127.0.1.77', { key, on })];
      const after = await from('127.0.0.3', { key, on });

      expect(right.map(({ status }) => status)).toEqual([200, 200]);
      for (const refused of [before, after]) {
        expect(refused.status).toBe(403);
        expect(refused.body.code).toBe('ADDRESS_NOT_ALLOWED');
        expect(JSON.stringify(refused.body)).not.toContain('127.0.');
      }
    }
  });

  test('is refused from elsewhere before its request is looked at', async () => {
    const { key } = await createKey({ allowedCidrs: ['127.0.0.2'] });

    expect((await from('127.0.0.3', { key, method: 'POST', body: { colour: 1 } })).status).toBe(403);
    expect((await from('127.0.0.2', { key, method: 'POST', body: { colour: 1 } })).status).toBe(400);
  });

  test('does not lose its rate limit to who uses it from elsewhere', async () => {
    const { key } = await createKey({ allowedCidrs: ['127.0.0.2'] });
    await from('127.0.0.2', { key, on: second });

    const abuse = await Promise.all(
      Array.from({ length: LIMIT + 5 }, () => from('127.0.0.4', { key, on: second })),
    );

    expect(new Set(abuse.map(({ status }) => status))).toEqual(new Set([403, 429]));
    expect((await from('127.0.0.2', { key, on: second })).status).toBe(200);
  });

  test.each<[string, unknown, RegExp]>([
    ['host bits', ['127.0.0.2', '10.0.0.1/8'], /^item 2 must not have host bits set: 10\.0\.0\.0\/8/],
    ['no network', ['here'], /203\.0\.113\.5/],
    ['no text', [7], /must be a string/],
    ['no list', '127.0.0.1', /must be a list/],
    ['null', null, /must be a list/],
  ])('with %s is refused', async (_, allowedCidrs, message) => {
    const answer = await create({ allowedCidrs });

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toMatchObject({ field: 'allowedCidrs' });
    expect(answer.body.errors[0].message).toMatch(message);
  });
});

describe('a key that is bound to tenants', () => {
  test('knows its tenants in every process', async () => {
    const { key, tenant_ids } = await createKey({ tenantIds: [OWN] });

    expect(tenant_ids).toEqual([OWN]);
    for (const app of [first, second]) {
      const { status, body } = await ask(app, '/api/things/mine', { key });
      expect({ status, data: body.data }).toEqual({ status: 200, data: [OWN] });
    }
  });

  test('gets what is of its own tenants, and 404 as if there were no others', async () => {
    const { key } = await createKey({ tenantIds: [OWN] });
    const get = (id: string) => call(`/api/things/of/${id}`, { key });
    const [own, upper, other, unknown, bad] = await Promise.all(
      [OWN, OWN.toUpperCase(), OTHER, newId(), 'x'].map(get),
    );

    expect([own, upper, other, unknown, bad].map((answer) => answer?.status)).toEqual([
      200, 200, 404, 404, 400,
    ]);
    expect(other?.body.detail).toBe(`There is no tenant with the id ${OTHER}.`);
  });

  test('finds nothing on routes that say nothing about such keys, and is nobody on open ones', async () => {
    const { key } = await createKey({ tenantIds: [OWN] });
    const closed = await call('/api/things', { key });
    const post = await call('/api/things', { key, method: 'POST', body: { name: 'x' } });

    expect([closed.status, post.status]).toEqual([404, 404]);
    expect(closed.body.code).toBe('NOT_FOUND');
    expect((await call('/api/things/open', { key })).status).toBe(200);
  });

  test('of all scopes is no admin who may be the last', async () => {
    const app = await startHttpApp(loadConfig({ ...stack.env, NODE_ENV: 'test' }));
    const control = app.get(DataSource);
    await control.query("UPDATE api_keys SET revoked_at = now() WHERE '*' = ANY (scopes)");
    const admin = await createKey({});
    await createKey({ tenantIds: [OWN] });

    const answer = await ask(app, `/api/api-keys/${admin.id}`, { method: 'DELETE', key: admin.key });
    await app.close();

    expect(answer.status).toBe(409);
  });

  test.each<[string, unknown]>([
    ['nobody', []],
    ['a tenant that does not exist', ['00000000-0000-4000-8000-000000000000']],
    ['something else than ids', ['x']],
    ['null', null],
  ])('cannot be bound to %s', async (_, tenantIds) => {
    const answer = await create({ tenantIds });

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe('tenantIds');
  });
});

describe('a key makes no key with more rights than its own', () => {
  const SOON = '2035-01-01T00:00:00Z';
  const bounds = { tenantIds: [OWN], allowedCidrs: ['127.0.0.0/24'], expiresAt: SOON };
  const scopes = ['api-keys:read', 'api-keys:write'];

  test.each<[string, object, string]>([
    ['scopes', { scopes: ['tenants:read'] }, 'scopes'],
    ['tenants', { tenantIds: [OWN, OTHER] }, 'tenantIds'],
    ['tenants, by naming none', { tenantIds: undefined }, 'tenantIds'],
    ['networks', { allowedCidrs: ['127.0.0.0/16'] }, 'allowedCidrs'],
    ['networks, by naming none', { allowedCidrs: undefined }, 'allowedCidrs'],
    ['time', { expiresAt: '2035-01-01T00:00:01Z' }, 'expiresAt'],
    ['time, by naming none', { expiresAt: undefined }, 'expiresAt'],
  ])('not with more %s', async (_, more, field) => {
    const { key } = await createKey({ ...bounds, scopes });

    const answer = await create({ ...bounds, scopes, ...more }, key);

    expect(answer.status).toBe(403);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });

  test('but one with as many', async () => {
    const { key } = await createKey({ ...bounds, scopes });

    expect((await create({ ...bounds, scopes }, key)).status).toBe(201);
  });

  test('nor takes over or ends a key of other tenants, nor sees it', async () => {
    const { key } = await createKey({ tenantIds: [OWN] });
    const [own, other, all] = await Promise.all(
      [{ tenantIds: [OWN] }, { tenantIds: [OTHER] }, {}].map((body) => createKey(body)),
    );
    const ask = (id: string, path = '', method = 'GET') =>
      call(`/api/api-keys/${id}${path}`, { key, method }).then(({ status }) => status);

    for (const { id } of [other, all]) {
      expect([await ask(id), await ask(id, '/rotate', 'POST'), await ask(id, '', 'DELETE')]).toEqual([
        404, 404, 404,
      ]);
    }
    expect([await ask(own.id), await ask(own.id, '/rotate', 'POST')]).toEqual([200, 200]);
    const listed = (await call('/api/api-keys?limit=200', { key })).body.data;
    expect(listed.length).toBeGreaterThan(1);
    expect(listed.every((row: { tenant_ids: string[] }) => row.tenant_ids.join() === OWN)).toBe(true);
  });

  test('nor takes over a key that lives longer or works from elsewhere, but may end it', async () => {
    const { key } = await createKey({ scopes, allowedCidrs: ['127.0.0.1'], expiresAt: SOON });
    const longer = await createKey({ scopes });

    const rotated = await call(`/api/api-keys/${longer.id}/rotate`, { method: 'POST', key });
    const revoked = await call(`/api/api-keys/${longer.id}`, { method: 'DELETE', key });

    expect(rotated.status).toBe(403);
    expect(rotated.body.errors.map((error: { field: string }) => error.field)).toEqual([
      'allowedCidrs',
      'expiresAt',
    ]);
    expect(revoked.status).toBe(200);
  });
});
