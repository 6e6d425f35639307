import { Pool, type QueryResultRow } from 'pg';

export interface SessionOptions {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

/** Statements as the superuser on the direct port; survives that the server goes away and comes back. */
export class Session {
  private readonly pool: Pool;

  constructor(options: SessionOptions) {
    this.pool = new Pool({
      ...options,
      max: 4,
      connectionTimeoutMillis: 10_000,
      application_name: 'rowhouse-test',
    });
    this.pool.on('error', () => undefined);
  }

  async query<Row extends QueryResultRow = QueryResultRow>(sql: string, params?: unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(sql, params);
    return rows;
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}
