import { randomUUID } from 'node:crypto';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { RequireScope, TenantRoute } from '../../src/http/route.js';
import { SCOPES } from '../../src/http/scopes.js';
import { randomHex } from '../../src/kernel/ids.js';
import type { RequestOptions } from '../support/api.js';
import { Contract, type Route } from '../support/contract.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { routes } = Contract.load();
const guarded = routes.filter((route) => route.scope !== null);
const open = routes.filter((route) => route.scope === null);

function call(route: Route, options: RequestOptions, ids: Readonly<Record<string, string>> = {}) {
  const path = route.path
    .replaceAll(/\{(\w*[iI]d)\}/g, (_, name: string) => ids[name] ?? randomUUID())
    .replaceAll(/\{\w+\}/g, 'x');
  const body = route.method === 'GET' || route.method === 'DELETE' ? undefined : {};
  return world.api.request(route.method, path, body, options);
}

test('openapi.yaml knows open routes and guarded ones, each with a scope that exists', () => {
  expect(open.map((route) => route.path)).toContain('/health');
  expect(guarded.length).toBeGreaterThan(10);
  expect(guarded.filter((route) => !SCOPES.some((scope) => scope === route.scope))).toEqual([]);
});

describe.each(guarded)('$method $path', (route) => {
  test('is 401 without a key', async () => {
    const answer = await call(route, { key: null });

    expect(answer.status).toBe(401);
    expect(answer.problem.code).toBe('UNAUTHENTICATED');
  });

  test.each([
    ['of the right form', `rh_${randomHex(6)}_${randomHex(20)}`],
    ['of no form at all', 'nonsense'],
  ])('is 401 with a wrong key %s', async (_, key) => {
    expect((await call(route, { key })).status).toBe(401);
    expect((await call(route, { key, bearer: true })).status).toBe(401);
  });

  test(`is 403 with every scope but ${route.scope}`, async () => {
    const key = await createKey(SCOPES.filter((scope) => scope !== '*' && scope !== route.scope));

    const answer = await call(route, { key });

    expect(answer.status).toBe(403);
    expect(answer.problem.code).toBe('INSUFFICIENT_SCOPE');
  });
});

describe('a key that is bound to a tenant', () => {
  let key: string;
  let own: string;
  let other: string;

  beforeAll(async () => {
    [own, other] = [await createTenant('own'), await createTenant('other')];
    key = await createKey(['*'], { tenantIds: [own] });
  });

  const ofTenants = guarded.filter(({ tenantBoundKeys }) => tenantBoundKeys?.match(/id$/i));
  const filtered = guarded.filter(({ tenantBoundKeys }) => tenantBoundKeys === 'filtered');
  const closed = guarded.filter(({ tenantBoundKeys }) => tenantBoundKeys === null);

  test('has routes of each kind', () => {
    expect([ofTenants.length, filtered.length, closed.length].every((count) => count > 5)).toBe(true);
  });

  test.each(closed)('finds nothing at $method $path', async (route) => {
    const answer = await call(route, { key }, { id: own });

    expect(answer.status).toBe(404);
    expect(answer.problem.code).toBe('NOT_FOUND');
  });

  test.each(ofTenants)('cannot tell another tenant from none at $method $path', async (route) => {
    const at = (id: string) => call(route, { key }, { [route.tenantBoundKeys ?? '']: id });
    const unknown = randomUUID();
    const [foreign, none] = [await at(other), await at(unknown)];

    expect([foreign.status, none.status]).toEqual([404, 404]);
    expect(foreign.problem.detail.replaceAll(other, unknown)).toBe(none.problem.detail);
  });

  test.each(filtered)('sees nothing of others at $method $path', async (route) => {
    const answer = await call(route, { key, changesNothing: true });

    expect(JSON.stringify(answer.body)).not.toContain(other);
    expect([200, 400, 404]).toContain(answer.status);
  });

  test('sees its tenant, the operations that it began itself, and its keys', async () => {
    const mine = world.api.withKey(key);
    const started = await mine.patch(
      `/api/tenants/${own}`,
      { maxConnections: 7 },
      { prefer: 'respond-async' },
    );
    const [tenants, operations, keys, foreign] = await Promise.all([
      mine.get<{ id: string }[]>('/api/tenants'),
      mine.get<{ subject_id: string }[]>('/api/operations'),
      mine.get<{ tenant_ids: string[] }[]>('/api/api-keys'),
      world.api.get<{ id: string; subject_id: string }[]>(`/api/operations?subjectId=${other}`),
    ]);

    expect(tenants.data.map(({ id }) => id)).toEqual([own]);
    expect(operations.data.map(({ subject_id }) => subject_id)).toEqual([own]);
    expect(keys.data.map(({ tenant_ids }) => tenant_ids)).toEqual([[own]]);
    expect((await mine.get(started.headers.get('location') ?? '')).status).toBe(200);
    for (const { id } of foreign.data) {
      expect((await mine.get(`/api/operations/${id}`)).status).toBe(404);
      expect((await mine.post(`/api/operations/${id}/cancel`)).status).toBe(404);
      expect((await mine.fetch('GET', `/api/operations/${id}/events`)).status).toBe(404);
    }
    expect(foreign.data.length).toBeGreaterThan(0);
  });
});

test.each(open)('$method $path is open', async (route) => {
  const answer = await call(route, { key: null, changesNothing: true });

  expect([401, 403]).not.toContain(answer.status);
});

test('a controller with a route that declares no scope stops the start', async () => {
  @Controller('bare')
  class BareController {
    @Get()
    look(): string {
      return 'anybody sees this';
    }
  }

  await expectNoStart(BareController, 'BareController.look');
});

test('a controller whose tenant is not in its path stops the start', async () => {
  @Controller('tenants/:tenantId/things')
  class LostController {
    @Get()
    @RequireScope('tenants:read')
    @TenantRoute()
    look(): string {
      return 'whose is this?';
    }
  }

  await expectNoStart(LostController, 'LostController.look');
});

async function expectNoStart(controller: Type, name: string): Promise<void> {
  @Module({ imports: [AppModule.register(world.config)], controllers: [controller] })
  class WithController {}

  const app = await NestFactory.create(WithController, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });

  await expect(app.init()).rejects.toThrow(name);
  await app.close();
}

async function createKey(scopes: readonly string[], bounds = {}): Promise<string> {
  const body = { name: 'tripwire', scopes, ...bounds };
  return (await world.api.post<{ key: string }>('/api/api-keys', body)).expect(201).data.key;
}

async function createTenant(slug: string): Promise<string> {
  const body = { slug, name: slug, isolation: 'schema' };
  return (await world.api.post<{ id: string }>('/api/tenants', body)).expect(201).data.id;
}
