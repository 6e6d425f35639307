import type { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { Client } from 'pg';
import { loadConfig } from '../../src/config/load-config.js';
import { runCommand } from '../../src/infra/process/run-command.js';
import type { LocalStack } from '../../src/stack/local-stack.js';

export const NAME = 'db.rowhouse.test';
export const PORTS = ['direct', 'pooled'] as const;
export type Port = (typeof PORTS)[number];

/** Logs in as libpq does with `sslmode=verify-full`, by the name; throws what psql says. */
export async function verifyFull(stack: LocalStack, port: Port, caFile: string): Promise<string> {
  const { user, password, database } = controlOf(stack);
  const target = {
    host: NAME,
    hostaddr: '127.0.0.1',
    port: String(portOf(stack, port)),
    user,
    dbname: database,
    sslmode: 'verify-full',
    sslrootcert: caFile,
  };
  const conninfo = Object.entries(target).map(([key, value]) => `${key}=${value}`);
  const env = { PATH: process.env['PATH'], PGPASSWORD: password };
  const answer = await runCommand(['psql', '-XAtc', 'SELECT 42', conninfo.join(' ')], { env });
  return answer.trim();
}

/** A client over TLS. */
export async function connect(stack: LocalStack, port: Port): Promise<Client> {
  const { user, password, database } = controlOf(stack);
  const client = new Client({
    host: '127.0.0.1',
    port: portOf(stack, port),
    user,
    password,
    database,
    ssl: { rejectUnauthorized: false },
  });
  await client.connect();
  return client;
}

/** The serial that a new client is shown. */
export async function serialOn(stack: LocalStack, port: Port): Promise<string> {
  const client = await connect(stack, port);
  try {
    return shownTo(client).serialNumber;
  } finally {
    await client.end();
  }
}

export async function serials(stack: LocalStack): Promise<Record<Port, string>> {
  return { direct: await serialOn(stack, 'direct'), pooled: await serialOn(stack, 'pooled') };
}

/** A transaction under way on each port; `finish` goes on in it, and answers whether it is the same one. */
export async function openTransactions(stack: LocalStack): Promise<{ finish(): Promise<boolean[]> }> {
  const clients = await Promise.all(PORTS.map((port) => connect(stack, port)));
  const before = await Promise.all(clients.map(beginTransaction));
  const finish = async () => {
    const after = await Promise.all(clients.map(finishTransaction));
    await Promise.all(clients.map((client) => client.end()));
    return after.map((id, at) => id === before[at]);
  };
  return { finish };
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  readonly serial: string;
}

/** Over HTTPS, with a certificate that is verified against the CA and the name. */
export function getVerified(port: number, path: string, ca: string): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, ca, servername: NAME, agent: false }, (answer) => {
      const { serialNumber } = peerOf(answer.socket as TLSSocket);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, text, serial: serialNumber });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function beginTransaction(client: Client): Promise<string> {
  await client.query('BEGIN');
  return transactionOf(client);
}

async function finishTransaction(client: Client): Promise<string> {
  const id = await transactionOf(client);
  await client.query('COMMIT');
  return id;
}

async function transactionOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    "SELECT pg_backend_pid() || '/' || pg_current_xact_id() AS id",
  );
  return rows[0]?.id ?? '';
}

function shownTo(client: Client): X509Certificate {
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection;
  return peerOf(stream);
}

function peerOf(socket: TLSSocket): X509Certificate {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new Error('no certificate was shown');
  return certificate;
}

function controlOf(stack: LocalStack) {
  return loadConfig({ ...stack.env }).control;
}

function portOf(stack: LocalStack, port: Port): number {
  return Number(stack.env[port === 'direct' ? 'DB_PORT' : 'DB_PGBOUNCER_PORT']);
}
