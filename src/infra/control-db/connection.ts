import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import type { Config, TlsMode } from '../../config/config.js';

const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than PgBouncer's query_wait_timeout, so that its own error comes first. */
const QUERY_TIMEOUT_MS = 15_000;

/** node-postgres options for the control database, through PgBouncer or directly. */
export function controlConnection(config: Config): ClientConfig {
  const { host, port, user, password, database, tls } = config.control;
  return {
    host,
    port,
    user,
    password,
    database,
    ssl: tlsOptions(tls, config.caFile),
    application_name: 'rowhouse',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  };
}

/** node-postgres' `ssl` option for a libpq-like mode. */
export function tlsOptions(mode: TlsMode, caFile: string | null): ClientConfig['ssl'] {
  if (mode === 'disable') return false;
  if (mode === 'require') return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ca: caFile ? readFileSync(caFile, 'utf8') : undefined };
}
