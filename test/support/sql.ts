import { Client, type ClientConfig, type QueryResultRow } from 'pg';

const CONNECT_TIMEOUT_MS = 10_000;

/** What a failed attempt was refused with: a SQLSTATE such as `28P01`, or an errno such as `ECONNREFUSED`. */
export type ErrorCode = string;

export interface ConnectOptions {
  password?: string;
  user?: string;
  database?: string;
  /** The CA's certificate in PEM; given, the server's certificate is verified as `sslmode=verify-full` does. */
  ca?: string;
  options?: string;
}

/**
 * Opens a session the way libpq understands a connection string: `sslmode=require` encrypts without verifying, and the
 * parameters that only ORMs read are left alone.
 */
export async function connect(connectionString: string, options: ConnectOptions = {}): Promise<Client> {
  const client = new Client(clientConfig(connectionString, options));
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export async function withClient<T>(
  connectionString: string,
  work: (client: Client) => Promise<T>,
  options: ConnectOptions = {},
): Promise<T> {
  const client = await connect(connectionString, options);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function query<Row extends QueryResultRow = QueryResultRow>(
  connectionString: string,
  sql: string,
  params?: unknown[],
): Promise<Row[]> {
  return withClient(connectionString, async (client) => (await client.query<Row>(sql, params)).rows);
}

/** Null when the login works and can run a statement, else what it was refused with. */
export function loginError(
  connectionString: string,
  options: ConnectOptions = {},
): Promise<ErrorCode | null> {
  return errorCodeOf(withClient(connectionString, (client) => client.query('SELECT 1'), options));
}

/** Whether the server lets this login in. Throws when nobody answers: an absent server refuses nothing. */
export async function canLogin(connectionString: string, options: ConnectOptions = {}): Promise<boolean> {
  const code = await loginError(connectionString, options);
  if (code !== null && !isSqlState(code)) throw new Error(`nobody answered the login: ${code}`);
  return code === null;
}

/** The code of the error that the work ends with, or null when it succeeds. */
export async function errorCodeOf(work: Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await work;
    return null;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  }
}

function isSqlState(code: ErrorCode): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code);
}

function clientConfig(connectionString: string, options: ConnectOptions): ClientConfig {
  const url = new URL(connectionString);
  const mode = options.ca ? 'verify-full' : (url.searchParams.get('sslmode') ?? 'disable');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 5432),
    user: options.user ?? decodeURIComponent(url.username),
    password: options.password ?? decodeURIComponent(url.password),
    database: options.database ?? decodeURIComponent(url.pathname.slice(1)),
    options: options.options,
    ssl: mode === 'disable' ? false : { rejectUnauthorized: mode === 'verify-full', ca: options.ca },
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'rowhouse-test',
  };
}
