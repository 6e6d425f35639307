import { randomUUID } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, test } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { SCOPES } from '../../src/http/scopes.js';
import { randomHex } from '../../src/kernel/ids.js';
import type { RequestOptions } from '../support/api.js';
import { Contract, type Route } from '../support/contract.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { routes } = Contract.load();
const guarded = routes.filter((route) => route.scope !== null);
const open = routes.filter((route) => route.scope === null);

function call(route: Route, options: RequestOptions) {
  const path = route.path.replaceAll(/\{\w*[iI]d\}/g, randomUUID()).replaceAll(/\{\w+\}/g, 'x');
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

  @Module({ imports: [AppModule.register(world.config)], controllers: [BareController] })
  class WithBareRoute {}

  const app = await NestFactory.create(WithBareRoute, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });

  await expect(app.init()).rejects.toThrow('BareController.look');
  await app.close();
});

async function createKey(scopes: readonly string[]): Promise<string> {
  const body = { name: 'tripwire', scopes };
  return (await world.api.post<{ key: string }>('/api/api-keys', body)).expect(201).data.key;
}
