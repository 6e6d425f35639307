import { Pool, type PoolConfig } from 'pg';

/**
 * A pool whose sessions may end at any time, as they do when the server restarts. Whoever uses one learns it from the
 * next statement; node-postgres tells it as an event as well, which ends the process when nobody listens.
 */
export function openSessionPool(options: PoolConfig): Pool {
  const pool = new Pool(options);
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

function ignore(): void {}
