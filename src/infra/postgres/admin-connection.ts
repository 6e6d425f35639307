import type { ClientConfig } from 'pg';
import type { ServerConfig } from '../../config/config.js';
import { entranceOptions } from './entrance.js';

export const CONNECT_TIMEOUT_MS = 3_000;
export const STATEMENT_TIMEOUT_MS = 60_000;
export const LOCK_TIMEOUT_MS = 10_000;

/**
 * Settings given at connection start outrank what `ALTER DATABASE … SET` stores (manual, 20.1.3), and a tenant may
 * store nearly anything for the database that it owns. So whatever could turn the administrator's own statements
 * against it is pinned here.
 */
const PINNED_SETTINGS: Readonly<Record<string, string | number>> = {
  search_path: 'pg_catalog,pg_temp',
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  idle_session_timeout: 0,
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read\\ committed',
  standard_conforming_strings: 'on',
  // Compiling a query over the catalogs of thousands of tables takes seconds, running it a fraction of one.
  jit: 'off',
  role: 'none',
};

/** node-postgres options for administration: a superuser session in `database`, on the direct port. */
export function adminConnection(server: ServerConfig, caFile: string | null, database: string): ClientConfig {
  return {
    ...entranceOptions(server, server.tls, caFile),
    user: server.adminUser,
    password: server.adminPassword,
    database,
    application_name: 'rowhouse',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    options: Object.entries(PINNED_SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}
