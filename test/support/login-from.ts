import type { Client, ClientBase } from 'pg';
import { clientFrom } from './client-from.js';

export interface Approach {
  /** The client's own address: 127.0.0.1, 127.0.0.2 …, or ::1, which asks the server at ::1 too. */
  readonly from: string;
  readonly tls: boolean;
}

/** What HBA rules refuse with: PostgreSQL its SQLSTATE, PgBouncer a text alone. */
const REFUSED = { state: '28000', text: /login rejected|no matching hba|SSL required/i };

/** A session whose connection comes from the given address. */
export async function connectFrom(connectionString: string, { from, tls }: Approach): Promise<Client> {
  const url = new URL(connectionString);
  const client = clientFrom(from, {
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...(tls ? {} : { ssl: false }),
    connectionTimeoutMillis: 10_000,
    application_name: 'rowhouse-test',
  });
  await client.connect();
  return client;
}

/** PgBouncer resets the connection of whom it refuses; what it said before may get lost on the way. */
const ATTEMPTS = 20;

/** Whether the login gets in and can run a statement. Throws for whatever is neither that nor a refusal by a rule. */
export async function getsIn(connectionString: string, approach: Approach): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await tryLogin(connectionString, approach);
    if (answer === null) return true;
    if (answer.code === REFUSED.state || REFUSED.text.test(answer.message)) return false;
    if (answer.code !== 'ECONNRESET' || attempt === ATTEMPTS) throw answer;
  }
}

async function tryLogin(
  connectionString: string,
  approach: Approach,
): Promise<(Error & { code?: string }) | null> {
  try {
    const client = await connectFrom(connectionString, approach);
    await client.query('SELECT 1');
    await client.end();
    return null;
  } catch (error) {
    return error as Error;
  }
}

const END_TIMEOUT_MS = 20_000;

/** Resolves with the milliseconds until the server ended the session. */
export function whenEnded(client: ClientBase): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`the server did not end the session in ${END_TIMEOUT_MS} ms`));
    const timer = setTimeout(giveUp, END_TIMEOUT_MS);
    client.once('end', () => {
      clearTimeout(timer);
      resolve(performance.now() - begun);
    });
  });
}
