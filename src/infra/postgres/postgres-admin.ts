import { Client, type ClientBase, Pool, type PoolClient, type QueryResultRow } from 'pg';
import type { ServerConfig } from '../../config/config.js';
import { adminConnection } from './admin-connection.js';

const MAINTENANCE_DATABASE = 'postgres';
const POOL_SIZE = 8;
const IDLE_TIMEOUT_MS = 60_000;

/** Runs statements as the server's administrator: in the maintenance database, or in another one by name. */
export class PostgresAdmin {
  private readonly pool: Pool;

  constructor(
    private readonly config: ServerConfig,
    private readonly caFile: string | null,
  ) {
    this.pool = new Pool({
      ...adminConnection(config, caFile, MAINTENANCE_DATABASE),
      max: POOL_SIZE,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      allowExitOnIdle: true,
    });
    // An idle connection that the server ends is replaced at the next query; without a listener it ends the process.
    this.pool.on('error', () => {});
  }

  /** The rows of one statement; or nothing useful of several in one message, which run as one transaction. */
  async query<Row extends QueryResultRow>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(sql, parameters.length > 0 ? [...parameters] : undefined);
    return rows;
  }

  async find<Row extends QueryResultRow>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<Row | null> {
    const [row] = await this.query<Row>(sql, parameters);
    return row ?? null;
  }

  /** Runs utility statements as one message: more than one make one transaction. */
  async execute(sql: string): Promise<void> {
    await this.pool.query(sql);
  }

  /** The same with another statement timeout, for what may take long: copying and dropping databases. */
  async executeWithin(timeoutMs: number, sql: string): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query(`SET statement_timeout = ${timeoutMs}`);
      await client.query(sql);
      await client.query('RESET statement_timeout');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  transaction<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.withPooled((client) => inTransaction(client, work));
  }

  /** Runs `work` on a connection to another database of the server, made for it and closed after it. */
  async inDatabase<T>(database: string, work: (client: ClientBase) => Promise<T>): Promise<T> {
    const client = new Client(adminConnection(this.config, this.caFile, database));
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Throws when the server does not answer. */
  async ping(): Promise<void> {
    await this.pool.query('SELECT 1');
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async withPooled<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

export async function inTransaction<T>(
  client: ClientBase,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  await client.query('BEGIN');
  const result = await work(client);
  await client.query('COMMIT');
  return result;
}
