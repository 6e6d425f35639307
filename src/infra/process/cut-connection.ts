import { runCommand } from './run-command.js';

const TIMEOUT_MS = 2_000;

/** A TCP connection that this machine accepted. */
export interface AcceptedConnection {
  /** The port that it came in at. */
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * Asks Linux to end a connection, which needs CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG_DESTROY (ss(8), `-K`).
 * What `ss` says about it is no measure: it reports errors for sockets that it did end, so look afterwards.
 */
export async function cutConnection(connection: AcceptedConnection): Promise<void> {
  const { localPort, remoteAddress, remotePort } = connection;
  const remote = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
  const filter = ['dst', `${remote}:${remotePort}`, 'and', 'sport', '=', `:${localPort}`];
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  await runCommand(['ss', '--kill', '--no-header', '--tcp', '--numeric', ...filter], { signal }).catch(
    () => {},
  );
}
