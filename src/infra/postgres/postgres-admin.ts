import pLimit from 'p-limit';
import type { Client, ClientBase, ClientConfig, Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import type { ServerConfig } from '../../config/config.js';
import { adminConnection } from './admin-connection.js';
import { giveUpAtBarrier } from './barrier-watch.js';
import { END_FOUND, FIND_BLOCKERS } from './blockers-sql.js';
import { FIND_TENANTS_DATABASE, reopenDatabase } from './database-sql.js';
import { LockWatch } from './lock-watch.js';
import { openSession } from './open-session.js';
import { openSessionPool } from './session-pool.js';
import type { SealableSession, SessionSeals } from './session-seal.js';
import { SQLSTATE, sqlState } from './sqlstate.js';

const MAINTENANCE_DATABASE = 'postgres';
const POOL_SIZE = 8;
const LONG_STATEMENTS_AT_ONCE = 8;
const IDLE_TIMEOUT_MS = 60_000;
/** How long a statement waits for others before these are ended. */
const PATIENCE_MS = 500;

/** Runs statements as the server's administrator: in the maintenance database, or in another one by name. */
export class PostgresAdmin {
  private readonly pool: Pool;
  /** Of its own, so that it is free when all others wait. */
  private readonly rescue: Pool;
  private readonly turns = pLimit(LONG_STATEMENTS_AT_ONCE);
  private serverVersionNum = 0;

  constructor(
    private readonly config: ServerConfig,
    private readonly caFile: string | null,
    private readonly seals: SessionSeals,
  ) {
    this.pool = this.openPool(POOL_SIZE);
    this.rescue = this.openPool(1);
  }

  /** From then on sessions in other databases are proof against what later versions let their owners set. */
  knowVersion(serverVersionNum: number): void {
    this.serverVersionNum = serverVersionNum;
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

  /** Runs utility statements as one message: more than one make one transaction. Ends tenants' sessions in its way. */
  async execute(sql: string): Promise<void> {
    await this.executeAll(sql);
  }

  /**
   * The same with another statement timeout, for what may take long: in a session that nobody else waits for. Throws
   * SERVICE_UNAVAILABLE when it waits for a session that does not answer.
   */
  executeWithin(timeoutMs: number, sql: string): Promise<void> {
    return this.turns(() =>
      this.inDatabase(MAINTENANCE_DATABASE, async (client) => {
        await client.query(`SET statement_timeout = ${timeoutMs}`);
        await giveUpAtBarrier(this.rescue, processOf(client), () =>
          this.unhindered(client, () => client.query(sql)),
        );
      }),
    );
  }

  /** `execute` for the rows of the last statement. */
  async executeFor<Row extends QueryResultRow>(sql: string): Promise<Row[]> {
    const results = await this.executeAll(sql);
    return (results.at(-1)?.rows ?? []) as Row[];
  }

  transaction<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.withPooled((client) => inTransaction(client, work));
  }

  /** Runs `work` on a connection to another database of the server, made for it and closed after it. */
  async inDatabase<T>(database: string, work: (client: ClientBase) => Promise<T>): Promise<T> {
    const client = await this.connectTo(database).catch((error: unknown) => {
      if (sqlState(error) !== SQLSTATE.objectNotInPrerequisiteState) throw error;
      return this.connectAfterOpening(database, error);
    });
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /**
   * Runs a statement of `client`, and ends the sessions of tenants that keep it waiting: an open transaction that
   * changed its own role's password, or granted something to another's, would otherwise keep that role from being
   * changed or dropped for as long as it likes.
   */
  async unhindered<T>(client: ClientBase, statement: () => Promise<T>): Promise<T> {
    const pid = processOf(client);
    let isAsking = false;
    const end = async () => {
      if (isAsking) return;
      isAsking = true;
      await this.endBlockers(pid).catch(() => {});
      isAsking = false;
    };
    const timer = setInterval(end, PATIENCE_MS);
    try {
      return await statement();
    } finally {
      clearInterval(timer);
    }
  }

  watchLocks(): LockWatch {
    return new LockWatch(this.maintenance(), this.seals);
  }

  /** Ends those of the sessions that do not bear Rowhouse's seal, and returns them. */
  async endUnsealed<Session extends SealableSession>(sessions: readonly Session[]): Promise<Session[]> {
    const strangers = sessions.filter((session) => !this.seals.bears(session));
    if (strangers.length > 0) await this.rescue.query(END_FOUND, doomed(strangers));
    return strangers;
  }

  /** Throws when the server does not answer. */
  async ping(): Promise<void> {
    await this.rescue.query('SELECT 1');
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.rescue.end()]);
  }

  private async endBlockers(pid: number | null): Promise<void> {
    const { rows } = await this.rescue.query<SealableSession>(FIND_BLOCKERS, [pid]);
    await this.endUnsealed(rows);
  }

  private openPool(max: number): Pool {
    return openSessionPool({
      ...this.maintenance(),
      max,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      allowExitOnIdle: true,
    });
  }

  private maintenance(): ClientConfig {
    const target = { database: MAINTENANCE_DATABASE, serverVersionNum: 0 };
    return adminConnection(this.config, this.caFile, target);
  }

  private connectTo(database: string): Promise<Client> {
    const { serverVersionNum } = this;
    return openSession(adminConnection(this.config, this.caFile, { database, serverVersionNum }));
  }

  /** An owner can close a database, from another one that is his, even to superusers. Rowhouse's own stay closed. */
  private async connectAfterOpening(database: string, refusal: unknown): Promise<Client> {
    if (!(await this.find(FIND_TENANTS_DATABASE, [database]))) throw refusal;
    await this.execute(reopenDatabase(database));
    return this.connectTo(database);
  }

  private async executeAll(sql: string): Promise<QueryResult[]> {
    const answer = await this.withPooled((client) => this.unhindered(client, () => client.query(sql)));
    return [answer].flat();
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

function doomed(sessions: readonly SealableSession[]): [pids: number[], starts: string[]] {
  return [sessions.map(({ pid }) => pid), sessions.map(({ startedAt }) => startedAt)];
}

function processOf(client: ClientBase): number | null {
  return (client as ClientBase & { processID: number | null }).processID;
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
