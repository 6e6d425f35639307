import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource, type EntityManager } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { toRowhouseError } from '../../src/http/to-problem.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import { startHttpApp } from './http-fixture.js';

let stack: TestStack;
let app: NestFastifyApplication;
let control: DataSource;

beforeAll(async () => {
  stack = await startTestStack({ withRedis: false });
  const config = loadConfig({ ...stack.env, NODE_ENV: 'test', API_KEY: 'an-admin-key-for-these-tests-only' });
  await migrate(config);
  app = await startHttpApp(config);
  control = app.get(DataSource);
  await control.query('CREATE TABLE counters (id integer PRIMARY KEY, n integer NOT NULL)');
  await control.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
});

afterAll(async () => {
  await app?.close();
  await stack?.stop();
});

test('two transactions that lock the same rows the other way round both happen, once', async () => {
  let arrived = 0;
  let meet = () => {};
  const met = new Promise<void>((resolve) => (meet = resolve));
  let begun = 0;
  const addTo = (first: number, second: number) =>
    control.transaction(async (tx: EntityManager) => {
      begun += 1;
      await tx.query('UPDATE counters SET n = n + 1 WHERE id = $1', [first]);
      arrived += 1;
      if (arrived === 2) meet();
      await met;
      await tx.query('UPDATE counters SET n = n + 1 WHERE id = $1', [second]);
    });

  await Promise.all([addTo(1, 2), addTo(2, 1)]);

  expect(begun).toBe(3);
  expect(await control.query('SELECT n FROM counters ORDER BY id')).toEqual([{ n: 2 }, { n: 2 }]);
});

test.each(['40P01', '40001'])(
  '%s that comes each time is a 503 that says when to come again',
  async (state) => {
    let begun = 0;
    const failing = control.transaction(async (tx: EntityManager) => {
      begun += 1;
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${state}'; END $$`);
    });

    const problem = toRowhouseError(await failing.catch((error: unknown) => error));

    expect(problem).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '1' } });
    expect(begun).toBe(4);
  },
);

test('another error is not tried again', async () => {
  let begun = 0;
  const failing = control.transaction(async (tx: EntityManager) => {
    begun += 1;
    await tx.query('INSERT INTO counters VALUES (1, 0)');
  });

  await expect(failing).rejects.toMatchObject({ code: '23505' });
  expect(begun).toBe(1);
});
