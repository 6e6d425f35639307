import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { startApp } from '../../src/bootstrap.js';
import { loadConfig } from '../../src/config/load-config.js';
import { findFreePort } from '../../src/infra/process/ports.js';
import { startTestStack, type TestStack } from '../support/stack.js';

let stack: TestStack | undefined;
afterAll(() => stack?.stop());

test('a first start that finds its port taken leaves the admin key to the next one', async () => {
  stack = await startTestStack();
  const logOutput = { write: () => undefined };
  const start = (port: number) =>
    startApp(loadConfig({ ...stack?.env, NODE_ENV: 'test', PORT: String(port) }), { logOutput });
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');

  await expect(start((holder.address() as AddressInfo).port)).rejects.toThrow('EADDRINUSE');
  holder.close();
  const { app, adminKey } = await start(await findFreePort());
  await app.close();

  expect(adminKey).toMatch(/^rh_/);
});
