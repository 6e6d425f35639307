import type { SupervisedProcess } from '../../src/infra/process/supervised-process.js';
import type { World } from './world.js';

/** The servers of a stack that a test may take away. */
export type Part = 'postgres' | 'pgbouncer' | 'redis';

/** Does the work while the server is down, and brings it back whatever happens. */
export function whileStopped<T>(world: World, part: Part, work: () => Promise<T>): Promise<T> {
  return whileAway(serverOf(world, part), (server) => server.stop(), work);
}

/** The same after a crash of the server (SIGKILL). */
export function whileKilled<T>(world: World, part: Part, work: () => Promise<T>): Promise<T> {
  return whileAway(serverOf(world, part), (server) => server.kill(), work);
}

/** The server keeps its connections but answers nobody (SIGSTOP), as behind a broken network. */
export async function whileFrozen<T>(world: World, part: Part, work: () => Promise<T>): Promise<T> {
  const { pid } = serverOf(world, part);
  if (!pid) throw new Error(`${part} does not run`);
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

async function whileAway<T>(
  server: SupervisedProcess,
  takeAway: (server: SupervisedProcess) => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  await takeAway(server);
  try {
    return await work();
  } finally {
    await server.start();
  }
}

function serverOf({ stack }: World, part: Part): SupervisedProcess {
  const server = stack[part];
  if (!server) throw new Error(`the stack runs without ${part}`);
  return server;
}
