import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import type { Endpoint, TlsMode } from '../../config/config.js';

/**
 * A server that is away says so at once; one that a busy disk holds up needs seconds for a login. Longer than PgBouncer's
 * `query_wait_timeout`, so that its own error comes first.
 */
export const CONNECT_TIMEOUT_MS = 15_000;

export interface Entrance extends Endpoint {
  /** Where its Unix socket is; null: it is reached over the network. */
  readonly socketDirectory: string | null;
}

/** How Rowhouse itself reaches a server: by its Unix socket where there is one, which knows no TLS (manual, 34.1.2). */
export function entranceOptions(
  { host, port, socketDirectory }: Entrance,
  tls: TlsMode,
  caFile: string | null,
): Pick<ClientConfig, 'host' | 'port' | 'ssl' | 'connectionTimeoutMillis'> {
  const way =
    socketDirectory === null
      ? { host, port, ssl: tlsOptions(tls, caFile) }
      : { host: socketDirectory, port, ssl: false };
  return { ...way, connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
}

/** Whether the server is on this machine, as the way to it tells. */
export function isOnThisMachine({ host, socketDirectory }: Entrance): boolean {
  return (
    socketDirectory !== null ||
    host.startsWith('/') ||
    host === 'localhost' ||
    host === '::1' ||
    host.startsWith('127.')
  );
}

/** node-postgres' `ssl` option for a libpq-like mode. */
function tlsOptions(mode: TlsMode, caFile: string | null): ClientConfig['ssl'] {
  if (mode === 'disable') return false;
  if (mode === 'require') return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ca: caFile ? readFileSync(caFile, 'utf8') : undefined };
}
