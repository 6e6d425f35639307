import { Client, type ClientConfig, Pool, type PoolConfig } from 'pg';

/** How long one waits for a session that others use: as long as any statement of theirs may take. */
const TURN_TIMEOUT_MS = 60_000;

/** `Session`: of which class its sessions are. */
export type SessionPoolConfig = PoolConfig & { readonly Session?: typeof Client };

/**
 * A pool whose sessions may end at any time, as they do when the server restarts. Whoever uses one learns it from the
 * next statement; node-postgres tells it as an event as well, which ends the process when nobody listens.
 */
export function openSessionPool(options: SessionPoolConfig): Pool {
  const pool = new Pool(withPatience(options, TURN_TIMEOUT_MS));
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

/**
 * node-postgres takes `connectionTimeoutMillis` for the wait until one of the pool's sessions is free as well. That they
 * are busy says nothing of the server, so this wait has a limit of its own: the connection keeps the given one.
 */
export function withPatience(options: SessionPoolConfig, turnTimeoutMs: number): PoolConfig {
  const { connectionTimeoutMillis, Session = Client } = options;
  class ImpatientClient extends Session {
    constructor(config?: ClientConfig) {
      // The pool hides the password from copies.
      super({ ...config, password: config?.password, connectionTimeoutMillis });
    }
  }
  return { ...options, Client: ImpatientClient, connectionTimeoutMillis: turnTimeoutMs };
}

function ignore(): void {}
