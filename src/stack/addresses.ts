import { isIP } from 'node:net';
import { hasIpv6Loopback } from '../infra/process/ports.js';

export interface ListenAddresses {
  /** For the servers that clients reach: loopback, or `*`. */
  readonly listenAddresses: readonly string[];
  readonly loopbackAddresses: readonly string[];
}

/** Servers listen on loopback only, unless the public host is another machine's way to this one. */
export async function chooseListenAddresses(publicHost: string): Promise<ListenAddresses> {
  const loopbackAddresses = ['127.0.0.1', ...((await hasIpv6Loopback()) ? ['::1'] : [])];
  return { loopbackAddresses, listenAddresses: isLoopback(publicHost) ? loopbackAddresses : ['*'] };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
