import { AUTH_QUERY, LOOKUP_ALIAS, LOOKUP_DATABASE } from '../infra/pgbouncer/auth-query.js';
import { quoteValue } from '../infra/pgbouncer/databases-ini.js';
import type { CertificateFiles } from './certificates.js';

export interface PoolerSettings {
  /** `1.18.0` */
  readonly version: string;
  readonly port: number;
  readonly listenAddresses: readonly string[];
  /** Where PostgreSQL's Unix socket is, and PgBouncer's own. */
  readonly socketDirectory: string;
  readonly postgresPort: number;
  readonly directory: string;
  readonly tls: CertificateFiles;
  readonly controlDatabase: string;
  readonly controlPoolSize: number;
  readonly adminUser: string;
  readonly authUser: string;
  /** How many files the process may open. */
  readonly fileLimit: number;
}

/** Server connections (PostgreSQL takes 300 at most), listening sockets, logs and pipes. */
const RESERVED_FILES = 450;
const MAX_CLIENTS = 10_000;
/** Before 1.19 each database that somebody logs in to through the pooler has a connection for lookups of its own. */
const LOOKUP_CONNECTIONS = 30;

export function renderPgBouncerIni(settings: PoolerSettings): string {
  const { version, postgresPort, controlDatabase, controlPoolSize, directory } = settings;
  const place = `host=${quoteValue(settings.socketDirectory)} port=${postgresPort}`;
  const control = `${place} dbname=${controlDatabase} pool_size=${controlPoolSize}`;
  const parameters = Object.entries({ ...common(settings), ...versioned(settings) });
  return [
    '; Written at each start.',
    '[databases]',
    `${controlDatabase} = ${control}`,
    ...(hasAuthDbname(version) ? [`${LOOKUP_ALIAS} = ${place} dbname=${LOOKUP_DATABASE}`] : []),
    `%include ${directory}/databases.ini`,
    '',
    '[pgbouncer]',
    ...parameters.map(([name, value]) => `${name} = ${value}`),
    '',
    '[users]',
    `${settings.authUser} = max_user_connections=${LOOKUP_CONNECTIONS}`,
    '',
  ].join('\n');
}

/** Users that PgBouncer itself knows; tenants are looked up in PostgreSQL. */
export function renderUserList(users: Readonly<Record<string, string>>): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  return Object.entries(users)
    .map(([user, password]) => `${quote(user)} ${quote(password)}\n`)
    .join('');
}

export function isAtLeast(version: string, minimum: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minMajor = 0, minMinor = 0] = minimum.split('.').map(Number);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}

function common(settings: PoolerSettings): Record<string, string | number> {
  const { directory, tls } = settings;
  return {
    listen_addr: settings.listenAddresses.join(','),
    listen_port: settings.port,
    unix_socket_dir: settings.socketDirectory,
    unix_socket_mode: '0700',
    listen_backlog: 1024,
    max_client_conn: maxClients(settings.fileLimit),
    pool_mode: 'transaction',
    default_pool_size: 20,
    min_pool_size: 0,
    auth_type: 'hba',
    auth_file: `${directory}/userlist.txt`,
    auth_hba_file: `${directory}/hba.conf`,
    auth_query: AUTH_QUERY,
    admin_users: settings.adminUser,
    client_tls_sslmode: 'allow',
    client_tls_protocols: 'secure',
    client_tls_cert_file: tls.certificate,
    client_tls_key_file: tls.key,
    // Asks no client for a certificate; without it, each RELOAD reads the system's whole bundle, which takes 30 ms.
    client_tls_ca_file: tls.ca,
    // Over a Unix socket, and 1.18 would replace every TLS server connection at each RELOAD.
    server_tls_sslmode: 'disable',
    query_wait_timeout: 10,
    server_login_retry: 1,
    // Each tenant that was there a moment ago holds one of PostgreSQL's connections for so long.
    server_idle_timeout: 10,
    client_login_timeout: 15,
    ignore_startup_parameters:
      'extra_float_digits,options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout',
    application_name_add_host: 1,
    log_connections: 0,
    log_disconnections: 0,
    log_stats: 0,
  };
}

function versioned({ version, authUser }: PoolerSettings): Record<string, string | number> {
  return {
    ...(hasAuthDbname(version) && { auth_user: authUser, auth_dbname: LOOKUP_ALIAS }),
    ...(isAtLeast(version, '1.21') && { max_prepared_statements: 200 }),
  };
}

function hasAuthDbname(version: string): boolean {
  return isAtLeast(version, '1.19');
}

function maxClients(fileLimit: number): number {
  return Math.min(Math.max(fileLimit - RESERVED_FILES, 100), MAX_CLIENTS);
}
