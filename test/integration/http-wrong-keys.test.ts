import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import bcrypt from 'bcrypt';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { type Answer, ask, startHttpApp } from './http-fixture.js';

/** The real one, counted. */
const compare = vi.spyOn(bcrypt, 'compare');

const KEY = 'an-admin-key-for-these-tests-only';
const SECRET = 's'.repeat(40);

let stack: TestStack;
let app: NestFastifyApplication;

beforeAll(async () => {
  stack = await startTestStack({ withRedis: false });
  const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: KEY, AUTH_FAILURE_LIMIT: '0' });
  await migrate(config);
  app = await startHttpApp(config);
});

afterAll(async () => {
  await app?.close();
  await stack?.stop();
});

async function createKey(): Promise<string> {
  const body = { name: 'k', scopes: ['databases:read'] };
  const answer = await ask(app, '/api/api-keys', { method: 'POST', key: KEY, body });
  return answer.body.data.key;
}

async function createKeyWith(change: string): Promise<string> {
  const key = await createKey();
  await app.get(DataSource).query(`UPDATE api_keys SET ${change} WHERE key_id = $1`, [key.split('_')[1]]);
  return key;
}

/** The answer without what names the request. */
function shapeOf({ status, headers, body }: Answer) {
  const names = [...headers.keys()].filter((name) => name !== 'date').sort();
  return { status, names, body: { ...body, request_id: null } };
}

const KINDS: [string, () => Promise<string>][] = [
  ['an unknown id', async () => `rh_aaaaaaaaaaaa_${SECRET}`],
  ['a wrong secret', async () => `rh_${(await createKey()).split('_')[1]}_${SECRET}`],
  ['a revoked key', () => createKeyWith('revoked_at = now()')],
  ['an expired key', () => createKeyWith("expires_at = now() - interval '1 day'")],
  ['a revoked and expired key', () => createKeyWith('revoked_at = now(), expires_at = now()')],
];

test.each(KINDS)(
  '%s takes the work of one comparison, and gets the same answer as others',
  async (_, make) => {
    const reference = shapeOf(await ask(app, '/api/things', { key: `rh_bbbbbbbbbbbb_${SECRET}` }));
    const key = await make();
    compare.mockClear();

    const answer = await ask(app, '/api/things', { key });

    expect(compare).toHaveBeenCalledTimes(1);
    expect(compare.mock.calls[0]?.[1]).toMatch(/^\$2b\$10\$/);
    expect(answer.status).toBe(401);
    expect(shapeOf(answer)).toEqual(reference);
  },
);
