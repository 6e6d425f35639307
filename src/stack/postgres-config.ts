import type { CertificateFiles } from './certificates.js';

export interface PostgresSettings {
  readonly port: number;
  readonly listenAddresses: readonly string[];
  /** Rowhouse and PgBouncer come through it, so that whoever comes by TCP is a client. */
  readonly socketDirectory: string;
  readonly tls: CertificateFiles;
  readonly memoryBytes: number;
  /** False gives up crash safety for speed, for tests. */
  readonly durable: boolean;
  readonly platform: NodeJS.Platform;
}

const MAX_CONNECTIONS = 300;
const MEGABYTE = 1024 * 1024;

/** The settings that Rowhouse needs, included at the end of the postgresql.conf that initdb wrote. */
export function renderPostgresConf(settings: PostgresSettings): string {
  const lines = Object.entries(parameters(settings)).map(([name, value]) => `${name} = ${quote(value)}`);
  return `# Written at each start. Change settings with ALTER SYSTEM, which wins over this file.\n${lines.join('\n')}\n`;
}

/**
 * Rules for pg_hba.conf: passwords everywhere, TLS everywhere but on loopback, and the roles with rights of their own
 * from loopback only.
 */
export function renderPgHba(loopbackOnly: readonly string[]): string {
  const roles = loopbackOnly.map((role) => `"${role}"`).join(',');
  return [
    'local    all  all       scram-sha-256',
    'host     all  all       127.0.0.1/32  scram-sha-256',
    'host     all  all       ::1/128       scram-sha-256',
    `host     all  ${roles}  0.0.0.0/0     reject`,
    `host     all  ${roles}  ::/0          reject`,
    'hostssl  all  all       0.0.0.0/0     scram-sha-256',
    'hostssl  all  all       ::/0          scram-sha-256',
    '',
  ].join('\n');
}

function parameters(settings: PostgresSettings): Record<string, string> {
  return {
    listen_addresses: settings.listenAddresses.join(','),
    port: String(settings.port),
    unix_socket_directories: settings.socketDirectory,
    unix_socket_permissions: '0700',
    cluster_name: 'rowhouse',
    timezone: 'UTC',
    max_connections: String(MAX_CONNECTIONS),
    max_locks_per_transaction: '512',
    shared_buffers: `${sharedBuffersMegabytes(settings)}MB`,
    max_wal_size: '2GB',
    ssl: 'on',
    ssl_min_protocol_version: 'TLSv1.2',
    ssl_cert_file: settings.tls.certificate,
    ssl_key_file: settings.tls.key,
    password_encryption: 'scram-sha-256',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%u@%d ',
    // A failed ALTER ROLE … PASSWORD would show its password with its statement.
    log_statement: 'none',
    log_min_error_statement: 'panic',
    log_min_duration_statement: '-1',
    log_parameter_max_length_on_error: '0',
    ...(canSyncFileSystem(settings) && { recovery_init_sync_method: 'syncfs' }),
    ...(!settings.durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

/** Opening every file of thousands of schemas takes half a minute after a crash; syncfs takes a second. Linux only. */
function canSyncFileSystem({ platform, durable }: PostgresSettings): boolean {
  return platform === 'linux' && durable;
}

/** A tenth of the memory: Rowhouse shares the machine with the API, PgBouncer, Redis and the file cache. */
function sharedBuffersMegabytes({ memoryBytes, durable }: PostgresSettings): number {
  if (!durable) return 64;
  const tenth = Math.floor(memoryBytes / MEGABYTE / 10);
  return Math.min(Math.max(tenth, 64), 512);
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
