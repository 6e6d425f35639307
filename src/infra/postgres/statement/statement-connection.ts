import type { ClientConfig } from 'pg';
import type { ServerConfig } from '../../../config/config.js';
import { entranceOptions } from '../entrance.js';

export interface StatementLogin {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface StatementSettings {
  readonly readOnly: boolean;
  readonly timeoutMs: number;
}

/**
 * node-postgres options for one statement of a tenant, on the direct port. Settings given at connection start outrank
 * what the tenant's role or database has stored (manual, 20.1.3): these fix how values are printed and read.
 */
export function statementConnection(
  server: ServerConfig,
  caFile: string | null,
  { login, settings }: { login: StatementLogin; settings: StatementSettings },
): ClientConfig {
  const { readOnly, timeoutMs } = settings;
  const pinned = {
    statement_timeout: timeoutMs,
    default_transaction_read_only: readOnly ? 'on' : 'off',
    default_transaction_isolation: 'read\\ committed',
    client_min_messages: 'error',
    standard_conforming_strings: 'on',
    datestyle: 'ISO',
    intervalstyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: 1,
    array_nulls: 'on',
  };
  return {
    ...login,
    ...entranceOptions(server, server.tls, caFile),
    application_name: 'rowhouse-sql',
    options: Object.entries(pinned)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}
