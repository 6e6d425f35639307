import type { ClientConfig } from 'pg';
import type { ServerConfig } from '../../config/config.js';
import { entranceOptions } from './entrance.js';

export const STATEMENT_TIMEOUT_MS = 60_000;
export const LOCK_TIMEOUT_MS = 10_000;

/**
 * Settings given at connection start outrank what `ALTER DATABASE … SET` stores (manual, 20.1.3), and a tenant may
 * store nearly anything for the database that it owns. So whatever could turn the administrator's own statements
 * against it, change what they mean or answer, or keep the administrator out, is pinned here.
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
  // A library that does not exist lets nobody in, superusers neither.
  local_preload_libraries: '',
  exit_on_error: 'off',
  client_min_messages: 'notice',
  client_connection_check_interval: 0,
  tcp_user_timeout: 0,
  tcp_keepalives_idle: 0,
  tcp_keepalives_interval: 0,
  tcp_keepalives_count: 0,
  row_security: 'on',
  check_function_bodies: 'on',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  array_nulls: 'on',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: 1,
  xmloption: 'content',
  default_transaction_deferrable: 'off',
  log_parameter_max_length_on_error: 0,
  debug_print_parse: 'off',
  debug_print_rewritten: 'off',
  debug_print_plan: 'off',
};

/** A setting that a server does not know would keep the administrator out as well. */
const PINNED_SINCE: readonly (readonly [serverVersionNum: number, name: string, value: number])[] = [
  [170_000, 'transaction_timeout', 0],
];

export interface AdminTarget {
  readonly database: string;
  /** As `server_version_num` gives it; 0 where it is not known yet, and no tenant has a say. */
  readonly serverVersionNum: number;
  /** Whom the session acts as from its first statement on, instead of who logs in. */
  readonly role?: string;
}

/** node-postgres options for administration: a superuser session in `database`, on the direct port. */
export function adminConnection(
  server: ServerConfig,
  caFile: string | null,
  { database, serverVersionNum, role = 'none' }: AdminTarget,
): ClientConfig {
  return {
    ...entranceOptions(server, server.tls, caFile),
    user: server.adminUser,
    password: server.adminPassword,
    database,
    application_name: 'rowhouse',
    keepAlive: true,
    options: [...pinnedSettings(serverVersionNum), ['role', role]]
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}

function pinnedSettings(serverVersionNum: number): [name: string, value: string | number][] {
  const known = PINNED_SINCE.filter(([since]) => since <= serverVersionNum);
  return [
    ...Object.entries(PINNED_SETTINGS),
    ...known.map(([, name, value]): [string, number] => [name, value]),
  ];
}
