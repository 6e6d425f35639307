import { Client } from 'pg';
import { connect, type ErrorCode, errorCodeOf, query } from './sql.js';

export interface Attempt {
  readonly refusal: ErrorCode | null;
  readonly rows: readonly unknown[];
}

/** What came of a statement: the refusal's code, or the rows. */
export async function attempt(url: string, sql: string): Promise<Attempt> {
  let rows: readonly unknown[] = [];
  const refusal = await errorCodeOf(
    query(url, sql).then((found) => {
      rows = found;
    }),
  );
  return { refusal, rows };
}

/** A session that runs the statements and stays as it is then: in its transaction, with its locks. */
export async function hold(url: string, ...statements: readonly string[]): Promise<Client> {
  const client = await connect(url);
  for (const statement of statements) await client.query(statement);
  return client;
}

/** With parameters of the startup message that only a hostile client sends. */
export function loginWith(
  url: string,
  parameters: Readonly<Record<string, string>>,
): Promise<ErrorCode | null> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const client = new Client({
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    ssl: { rejectUnauthorized: false },
    connectionTimeoutMillis: 10_000,
    ...parameters,
  });
  client.on('error', () => undefined);
  return errorCodeOf(
    client
      .connect()
      .then(() => client.query('SELECT 1'))
      .finally(() => client.end().catch(() => undefined)),
  );
}
