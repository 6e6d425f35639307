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
  await startAgain(world);
}

/** The same with an application that is killed while it works, when `isThere` resolves; `isOver` runs before the healthy one starts. */
export async function crashingIn(
  world: World,
  work: () => Promise<unknown>,
  { isThere, isOver }: { isThere: () => Promise<void>; isOver: () => Promise<void> },
): Promise<void> {
  const answer = expect(work(), 'the process dies before it answers').rejects.toThrow();
  await isThere();
  await world.app.kill();
  await answer;
  await isOver();
  await startAgain(world);
}

async function startAgain(world: World): Promise<void> {
  await world.app.start();
  await until('nothing is under way', async () => (await findLeftovers(world)).openOperations.length === 0, {
    timeoutMs: 30_000,
  });
}
