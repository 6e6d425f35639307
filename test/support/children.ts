import { ChildApp } from './app.js';
import type { World } from './world.js';

/** Ends the world's application, a child process, and starts it again with other variables until the work is done. */
export async function withEnvironment<T>(
  world: World,
  changes: Readonly<Record<string, string>>,
  work: (app: ChildApp) => Promise<T>,
): Promise<T> {
  const { env, url } = world.app as ChildApp;
  const app = new ChildApp(url, { ...env, ...changes });
  await world.app.stop();
  try {
    await app.start();
    return await work(app);
  } finally {
    await app.stop();
    await world.app.start();
  }
}
