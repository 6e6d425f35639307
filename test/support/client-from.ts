import { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';

/**
 * A client whose connection will come from the given address of the machine, such as 127.0.0.2 or ::1; the server is
 * asked on the loopback address of the same family. With TLS unless told otherwise.
 */
export function clientFrom(address: string, { ssl, ...config }: ClientConfig): Client {
  const client = new Client({
    ssl: ssl ?? { rejectUnauthorized: false },
    connectionTimeoutMillis: 5_000,
    ...config,
    host: address.includes(':') ? '::1' : '127.0.0.1',
    stream: () => socketFrom(address),
  });
  client.on('error', () => {});
  return client;
}

/** Such a session, which works. The caller ends it. */
export async function connectFrom(address: string, config: ClientConfig): Promise<Client> {
  const client = clientFrom(address, config);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/** node-postgres connects the socket itself, with port and host only. */
function socketFrom(localAddress: string): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket) as (options: object) => Socket;
  socket.connect = ((port: number, host: string) =>
    connect({ port, host, localAddress })) as Socket['connect'];
  return socket;
}
