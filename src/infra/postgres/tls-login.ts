import { Client } from 'pg';
import type { Endpoint } from '../../config/config.js';
import { CONNECT_TIMEOUT_MS } from './entrance.js';

/** node-postgres' own words, for an answer `N` to SSLRequest. */
const NO_TLS = 'The server does not support SSL connections';

export interface LoginTarget extends Endpoint {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Logs in as clients with `sslmode=require` do, runs a statement and leaves. Throws what kept it from that. */
export async function logInOverTls(target: LoginTarget): Promise<void> {
  const client = new Client({
    ...target,
    // libpq has no TLS over a Unix socket, and does not mind.
    ssl: target.host.startsWith('/') ? false : { rejectUnauthorized: false },
    application_name: 'rowhouse',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    client.end().catch(() => {});
  }
}

export function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message === NO_TLS;
}
