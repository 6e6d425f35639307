import { connect, type Socket } from 'node:net';
import type { ClientBase } from 'pg';

/** What node-postgres keeps of a connection and does not declare. The native client has nothing of it. */
interface Reachable {
  readonly host?: string;
  readonly port?: number;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
}

const CANCEL_REQUEST_CODE = 80_877_102;
const TIMEOUT_MS = 1_000;

/**
 * Asks the server to cancel what the client runs, on a connection of its own (PostgreSQL manual, 55.2.8). PgBouncer
 * takes the key that it gave to the client, and passes the request on to the server connection that works for it then;
 * from 1.18 it gives that connection to nobody else meanwhile. Resolves when the other side has acted on it, and never
 * rejects: nobody answers a cancel request.
 */
export function requestCancel(client: ClientBase): Promise<void> {
  const { host, port, processID, secretKey } = client as Reachable;
  if (!host || !port || !processID || typeof secretKey !== 'number') return Promise.resolve();
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  return send(socket, cancelMessage(processID, secretKey));
}

function send(socket: Socket, message: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.once('connect', () => socket.write(message));
    socket.resume();
  });
}

function cancelMessage(processId: number, secretKey: number): Buffer {
  const message = Buffer.alloc(16);
  for (const [index, value] of [16, CANCEL_REQUEST_CODE, processId, secretKey].entries()) {
    message.writeInt32BE(value, index * 4);
  }
  return message;
}
