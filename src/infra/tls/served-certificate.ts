import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '../../config/config.js';

const TIMEOUT_MS = 2_000;
/** Length 8, code 80877103 (manual, 53.7 "SSLRequest"); the answer is one byte, S or N. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const OFFERS_TLS = 'S'.charCodeAt(0);

export interface TlsEndpoint extends Endpoint {
  /** `postgres`: TLS begins after an SSLRequest, as PostgreSQL and PgBouncer have it; `tls`: at once. */
  readonly protocol: 'postgres' | 'tls';
}

/**
 * The certificate that clients are shown now, by a handshake as they do it; null when the endpoint offers no TLS. Whom
 * it names and who issued it is not judged. Throws when nobody answers.
 */
export async function readServedCertificate(
  endpoint: TlsEndpoint,
  timeoutMs = TIMEOUT_MS,
): Promise<X509Certificate | null> {
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = connect({ host: endpoint.host, port: endpoint.port });
  try {
    await once(socket, 'connect', { signal });
    if (endpoint.protocol === 'postgres' && !(await requestTls(socket, signal))) return null;
    return await handshake(socket, endpoint.host, signal);
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

async function requestTls(socket: Socket, signal: AbortSignal): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  socket.pause();
  return answer[0] === OFFERS_TLS;
}

async function handshake(socket: Socket, host: string, signal: AbortSignal): Promise<X509Certificate | null> {
  const tls = connectTls({ socket, rejectUnauthorized: false, ...(isIP(host) ? {} : { servername: host }) });
  try {
    await once(tls, 'secureConnect', { signal });
    return tls.getPeerX509Certificate() ?? null;
  } finally {
    tls.on('error', () => undefined);
    tls.destroy();
  }
}
