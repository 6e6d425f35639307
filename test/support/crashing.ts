import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { ChildApp } from './app.js';
import { findLeftovers } from './leftovers.js';
import { until } from './until.js';
import type { World } from './world.js';

const CRASHING_MAIN = fileURLToPath(new URL('./crashing-main.mjs', import.meta.url));

/**
 * Does the work on an application that dies after a step (`kind/step`) of it, then starts a healthy one and waits until
 * nothing is under way. The world's application must be a child process.
 */
export async function crashing(world: World, after: string, work: () => Promise<unknown>): Promise<void> {
  const { app } = world;
  await app.stop();
  const env = { ...(app as ChildApp).env, CRASH_AFTER: after };
  const doomed = new ChildApp(app.url, env, CRASHING_MAIN);
  await doomed.start();
  await expect(work(), 'the process dies before it answers').rejects.toThrow();
  await until(`the process died after ${after}`, () => doomed.hasEnded);
  await app.start();
  await until('nothing is under way', async () => (await findLeftovers(world)).openOperations.length === 0, {
    timeoutMs: 30_000,
  });
}
