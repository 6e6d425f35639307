import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { AdminKey } from '../../src/modules/api-keys/admin-key.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { type Answer, type Ask, ask, startHttpApp } from './http-fixture.js';

let stack: TestStack;
let config: Config;
/** Two processes of one installation. */
let first: NestFastifyApplication;
let second: NestFastifyApplication;
let control: DataSource;
let adminKey: string;

const call = (path: string, options: Ask = {}) => ask(first, path, { key: adminKey, ...options });

async function createKey(body: object = {}, key = adminKey): Promise<Answer> {
  return call('/api/api-keys', {
    method: 'POST',
    key,
    body: { name: 'k', scopes: ['databases:read'], ...body },
  });
}

beforeAll(async () => {
  stack = await startTestStack();
  config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: '', AUTH_FAILURE_LIMIT: '0' });
  await migrate(config);
  first = await startHttpApp(config);
  second = await startHttpApp(config);
  control = first.get(DataSource);
  const keys = await Promise.all(
    Array.from({ length: 10 }, (_, i) => (i % 2 ? first : second).get(AdminKey).ensure()),
  );
  adminKey = keys.filter((key) => key !== null).join(' and ');
});

afterAll(async () => {
  await first?.close();
  await second?.close();
  await stack?.stop();
});

describe('the admin key', () => {
  test('is made once, however many processes start', () => {
    expect(adminKey).toMatch(/^rh_[a-z0-9]{12}_[A-Za-z0-9]{32,}$/);
  });

  test('cannot be revoked while it is the last one that works', async () => {
    const [{ id }] = (await call('/api/api-keys')).body.data;

    const answer = await call(`/api/api-keys/${id}`, { method: 'DELETE' });

    expect(answer.status).toBe(409);
    expect((await call('/api/things')).status).toBe(200);
  });

  test('comes from the environment, and a changed one stops the old', async () => {
    const before = await startHttpApp({ ...config, apiKey: 'the-first-key-of-the-environment' });
    const after = await startHttpApp({ ...config, apiKey: 'the-other-key-of-the-environment' });
    const status = async (app: NestFastifyApplication, key: string) =>
      (await ask(app, '/api/things', { key })).status;

    expect(await before.get(AdminKey).ensure()).toBeNull();
    expect(await status(before, 'the-first-key-of-the-environment')).toBe(200);
    expect(await status(after, 'the-other-key-of-the-environment')).toBe(200);
    expect(await status(after, 'the-first-key-of-the-environment')).toBe(401);
    await Promise.all([before.close(), after.close()]);
  });
});

describe('authentication', () => {
  test.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['an empty key', { 'x-api-key': '' }],
    ['nonsense', { 'x-api-key': 'nonsense' }],
    ['an unknown key', { 'x-api-key': `rh_aaaaaaaaaaaa_${'a'.repeat(40)}` }],
    ['another scheme', { authorization: 'Basic eDp5' }],
    ['a bearer without a token', { authorization: 'Bearer ' }],
  ])('refuses %s', async (_, headers) => {
    const answer = await call('/api/things', { key: null, headers });

    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('UNAUTHENTICATED');
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  test('takes a bearer token, whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer']) {
      const answer = await call('/api/things', {
        key: null,
        headers: { authorization: `${scheme} ${adminKey}` },
      });
      expect(answer.status).toBe(200);
    }
  });

  test('refuses a right id with a wrong secret', async () => {
    expect((await call('/api/things', { key: `${adminKey.slice(0, -1)}!` })).status).toBe(401);
    expect((await call('/api/things', { key: `${adminKey.slice(0, 16)}${'b'.repeat(40)}` })).status).toBe(
      401,
    );
  });

  test('names the scope that is missing', async () => {
    const { key } = (await createKey()).body.data;

    const answer = await call('/api/things', { method: 'POST', key, body: { name: 'x' } });

    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('INSUFFICIENT_SCOPE');
    expect(answer.body.detail).toContain('databases:write');
  });

  test('notes when a key was used', async () => {
    const { key, id } = (await createKey()).body.data;
    await call('/api/things', { key });

    const used = await until(
      'it is written',
      async () => (await call(`/api/api-keys/${id}`)).body.data.last_used_at,
    );

    expect(Date.parse(used)).toBeGreaterThan(Date.now() - 60_000);
  });

  test('asks the database once for many requests', async () => {
    const { key, id } = (await createKey()).body.data;
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('/api/things', { key })));
    await control.query("UPDATE api_keys SET secret_hash = 'changed behind its back' WHERE id = $1", [id]);

    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect((await call('/api/things', { key })).status).toBe(200);
  });

  test('trusts what another process verified, through Redis', async () => {
    const { key, id } = (await createKey()).body.data;
    await call('/api/things', { key });
    await control.query("UPDATE api_keys SET secret_hash = 'changed behind its back' WHERE id = $1", [id]);

    expect((await ask(second, '/api/things', { key })).status).toBe(200);
  });
});

describe('a key', () => {
  test('is shown once and stored as a hash', async () => {
    const created = await createKey();
    const { id, key } = created.body.data;

    expect(created.status).toBe(201);
    expect(JSON.stringify((await call(`/api/api-keys/${id}`)).body)).not.toContain(key.slice(16));
    const [row] = await control.query('SELECT * FROM api_keys WHERE id = $1', [id]);
    expect(row.secret_hash).toMatch(/^\$2b\$10\$/);
    expect(JSON.stringify(await control.query('SELECT * FROM audit_logs'))).not.toContain(key.slice(16));
  });

  test.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['no scopes', { scopes: [] }, 'scopes'],
    ['an unknown scope', { scopes: ['everything'] }, 'scopes'],
    ['a scope twice', { scopes: ['databases:read', 'databases:read'] }, 'scopes'],
    ['an expiry in the past', { expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'],
    ['an expiry without a zone', { expiresAt: '2101-01-01T00:00:00' }, 'expiresAt'],
    ['an expiry that is no time', { expiresAt: 'soon' }, 'expiresAt'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ])('with %s is refused', async (_, body, field) => {
    const answer = await createKey(body);

    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe(field);
  });

  test('hands out no more than it has, nor takes over what has more', async () => {
    const { key } = (await createKey({ scopes: ['api-keys:write', 'api-keys:read'] })).body.data;
    const admin = (await createKey({ scopes: ['*'] })).body.data;

    const wider = await createKey({ scopes: ['databases:read'] }, key);
    const rotated = await call(`/api/api-keys/${admin.id}/rotate`, { method: 'POST', key });
    const revoked = await call(`/api/api-keys/${admin.id}`, { method: 'DELETE', key });
    const equal = await createKey({ scopes: ['api-keys:read'] }, key);

    expect([wider, rotated, revoked, equal].map(({ status }) => status)).toEqual([403, 403, 403, 201]);
    expect((await call('/api/things', { key: admin.key })).status).toBe(200);
  });

  test('stops when it expires', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { key } = (await createKey({ expiresAt })).body.data;

    expect((await call('/api/things', { key })).status).toBe(200);
    await until('it has expired', async () => (await call('/api/things', { key })).status === 401);
  });

  test('stops in every process when it is revoked, and is revoked again without harm', async () => {
    const { key, id } = (await createKey()).body.data;
    await call('/api/things', { key });
    await ask(second, '/api/things', { key });

    const revoked = await call(`/api/api-keys/${id}`, { method: 'DELETE' });
    const again = await call(`/api/api-keys/${id}`, { method: 'DELETE' });

    expect(revoked.body.data.status).toBe('revoked');
    expect(again.body).toEqual(revoked.body);
    expect((await call('/api/things', { key })).status).toBe(401);
    await until(
      'the other process knows',
      async () => (await ask(second, '/api/things', { key })).status === 401,
    );
  });

  test('gets a new secret, and the old one stops in every process', async () => {
    const { key, id } = (await createKey()).body.data;
    await ask(second, '/api/things', { key });

    const rotated = (await call(`/api/api-keys/${id}/rotate`, { method: 'POST' })).body.data;

    expect(rotated.key_id).toBe(key.split('_')[1]);
    expect((await call('/api/things', { key: rotated.key })).status).toBe(200);
    expect((await call('/api/things', { key })).status).toBe(401);
    await until(
      'the other process knows',
      async () => (await ask(second, '/api/things', { key })).status === 401,
    );
  });

  test('is listed page by page, newest first, none twice', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call(`/api/api-keys?limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.data.map((key: { id: string }) => key.id));
      cursor = body.next_cursor ?? '';
    } while (cursor);

    const all = await control.query('SELECT id FROM api_keys ORDER BY created_at DESC, id DESC');
    expect(seen).toEqual(all.map(({ id }: { id: string }) => id));
  });

  test('is not found under an unknown id, and a bad cursor is named', async () => {
    const unknown = await call('/api/api-keys/00000000-0000-4000-8000-000000000000');
    const bad = await call('/api/api-keys?cursor=nonsense');

    expect(unknown.body.code).toBe('NOT_FOUND');
    expect(bad.body).toMatchObject({ code: 'INVALID_CURSOR', errors: [{ field: 'cursor' }] });
  });

  test('leaves an audit row for each change', async () => {
    const { id } = (await createKey()).body.data;
    await call(`/api/api-keys/${id}/rotate`, { method: 'POST', headers: { 'x-request-id': 'the-rotation' } });
    await call(`/api/api-keys/${id}`, { method: 'DELETE' });

    const rows = await control.query(
      'SELECT action, actor_id, request_id, outcome, host(address) AS address FROM audit_logs WHERE resource_id = $1 ORDER BY occurred_at',
      [id],
    );
    expect(rows.map(({ action }: { action: string }) => action)).toEqual([
      'api-key.create',
      'api-key.rotate',
      'api-key.revoke',
    ]);
    expect(rows[1]).toMatchObject({ request_id: 'the-rotation', outcome: 'succeeded', address: '127.0.0.1' });
  });
});

describe('without Redis', () => {
  test('keys work, and are revoked at once', async () => {
    await stack.redis?.stop();
    const { key, id } = (await createKey()).body.data;
    const before = await call('/api/things', { key });
    await call(`/api/api-keys/${id}`, { method: 'DELETE' });
    const after = await call('/api/things', { key });
    await stack.redis?.start();

    expect([before.status, after.status]).toEqual([200, 401]);
  });
});

describe('the audit trail', () => {
  test('has partitions for the months to come, and moves rows out of the default one', async () => {
    await control.query(
      `INSERT INTO audit_logs (id, occurred_at, actor_type, action, resource_type, outcome)
       SELECT gen_random_uuid(), now() + interval '6 months', 'system', 'test', 'test', 'succeeded'`,
    );
    await Promise.all(Array.from({ length: 5 }, () => control.query('SELECT create_audit_partitions(7)')));

    const [{ partitions }] = await control.query(
      "SELECT count(*)::int AS partitions FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass",
    );
    const [{ strays }] = await control.query('SELECT count(*)::int AS strays FROM audit_logs_default');
    expect({ partitions, strays }).toEqual({ partitions: 9, strays: 0 });
  });
});
