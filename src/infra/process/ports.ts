import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** Below the ephemeral range of Linux and macOS, so that no outgoing connection takes a port between choice and use. */
const FREE_PORTS = { from: 15_000, to: 32_000 };
const ADDRESSES = ['127.0.0.1', '::1', '0.0.0.0', '::'];

/** `forbidden`: this user may not listen on it (below 1024). */
export type PortState = 'free' | 'taken' | 'forbidden';

/** Whether a server could listen on this port now, on loopback and on every address. */
export async function probePort(port: number): Promise<PortState> {
  for (const address of ADDRESSES) {
    const outcome = await tryListen(address, port);
    if (outcome === 'taken' || outcome === 'forbidden') return outcome;
  }
  return 'free';
}

/** A free port that is not among `avoid`. Throws when none is found. */
export async function findFreePort(avoid: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to);
    if (!avoid.includes(port) && (await probePort(port)) === 'free') return port;
  }
  throw new Error('no free port found');
}

/** Whether this machine has the IPv6 loopback address. */
export async function hasIpv6Loopback(): Promise<boolean> {
  return (await tryListen('::1', 0)) === 'free';
}

type Outcome = PortState | 'no such address';

const OUTCOMES: Readonly<Record<string, Outcome>> = { EADDRINUSE: 'taken', EACCES: 'forbidden' };

function tryListen(host: string, port: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(OUTCOMES[error.code ?? ''] ?? 'no such address');
    });
    server.listen({ host, port, ipv6Only: host === '::', exclusive: true }, () =>
      server.close(() => resolve('free')),
    );
  });
}

/** Whether something accepts connections on this port of the loopback address. */
export function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (outcome: boolean) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
