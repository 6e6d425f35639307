import { isIP, type Socket } from 'node:net';
import { Client, type ClientConfig, type QueryResultRow } from 'pg';
import type { PoolerConfig, TlsMode } from '../../config/config.js';
import { quoteIdentifier } from '../../kernel/identifiers.js';
import { entranceOptions } from '../postgres/entrance.js';
import { LOOKUP_ALIAS } from './auth-query.js';
import { knownFlaws, type PoolerFlaw } from './known-flaws.js';
import { type PoolerCapabilities, poolerCapabilities } from './pooler-capabilities.js';

/** As SHOW CLIENTS calls a user that it does not know. */
const NO_USER = '(nouser)';
/** The database by which one reaches it. */
export const POOLER_CONSOLE = 'pgbouncer';
const COMMAND_TIMEOUT_MS = 10_000;

/** One row of SHOW DATABASES. */
export interface PoolerDatabase {
  readonly name: string;
  readonly host: string | null;
  readonly port: number;
  readonly database: string;
  readonly pool_size: number;
  readonly paused: number;
  readonly disabled: number;
}

/** One row of SHOW POOLS. */
export interface PoolerPool {
  readonly database: string;
  readonly user: string;
  readonly cl_active: number;
  readonly cl_waiting: number;
  readonly sv_active: number;
  readonly sv_idle: number;
  /** Idle, to be checked before its next use. */
  readonly sv_used: number;
  readonly sv_tested: number;
  readonly sv_login: number;
}

/** One row of SHOW CLIENTS. */
export interface PoolerClient {
  readonly user: string;
  readonly database: string;
  /** `unix` over a Unix socket. */
  readonly addr: string;
  readonly port: number;
  readonly local_port: number;
  /** `2026-01-31 12:00:00 UTC` */
  readonly connect_time: string;
  /** From 1.18 on. */
  readonly application_name?: string;
  /** From 1.24 on. */
  readonly id?: number;
}

/** One row of SHOW SERVERS. */
export interface PoolerServer {
  readonly user: string;
  readonly database: string;
  /** The process at PostgreSQL. */
  readonly remote_pid: number;
}

/**
 * PgBouncer's console. It speaks the simple protocol only and one command a message; a parameter kills the connection
 * (manual, "Admin console"). Commands run one after the other on one connection, which is made anew when it was lost.
 */
export class PgBouncerAdmin {
  private client: Client | null = null;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: PoolerConfig,
    private readonly tls: TlsMode,
    private readonly caFile: string | null,
  ) {}

  async capabilities(): Promise<PoolerCapabilities> {
    const [row] = await this.run<{ version: string }>('SHOW VERSION');
    return poolerCapabilities(row?.version ?? '');
  }

  /** Known vulnerabilities of the version that runs, with the settings that it has. */
  async flaws(version: string): Promise<readonly PoolerFlaw[]> {
    const rows = await this.run<{ key: string; value: string | null }>('SHOW CONFIG');
    const ignored = rows.find(({ key }) => key === 'ignore_startup_parameters')?.value;
    return knownFlaws(version, { ignoreStartupParameters: ignored ?? '' });
  }

  databases(): Promise<PoolerDatabase[]> {
    return this.run<PoolerDatabase & QueryResultRow>('SHOW DATABASES');
  }

  pools(): Promise<PoolerPool[]> {
    return this.run<PoolerPool & QueryResultRow>('SHOW POOLS');
  }

  /**
   * Those whose login has been looked up. Others wait to be; the pooler asks for their password, and whether their
   * address may come, only afterwards.
   */
  async clients(): Promise<PoolerClient[]> {
    const clients = await this.run<PoolerClient & QueryResultRow>('SHOW CLIENTS');
    return clients.filter(isLookedUp);
  }

  servers(): Promise<PoolerServer[]> {
    return this.run<PoolerServer & QueryResultRow>('SHOW SERVERS');
  }

  /** What is in force, by the names of pgbouncer.ini. */
  async settings(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.run<{ key: string; value: string | null }>('SHOW CONFIG');
    return new Map(rows.map(({ key, value }) => [key, value ?? '']));
  }

  /** From where this console itself comes, as the pooler sees it; null over a Unix socket, or if the way changes it. */
  async ownAddress(): Promise<string | null> {
    const clients = await this.clients();
    const { localPort } =
      (this.client as unknown as { connection: { stream: Socket } } | null)?.connection.stream ?? {};
    const own = clients.find(({ database, port }) => database === POOLER_CONSOLE && port === localPort);
    return own && isIP(own.addr) ? own.addr : null;
  }

  /** Ends one client. From 1.24 on. */
  async killClient(id: number): Promise<void> {
    await this.run(`KILL_CLIENT ${id}`);
  }

  /** Reads the configuration files again. It succeeds also when they are wrong: look afterwards. */
  async reload(): Promise<void> {
    await this.run('RELOAD');
  }

  /**
   * Drops every client and server connection of an alias and pauses it. With a `*` entry in the configuration, an
   * alias that does not exist would be created by this, paused: ask for it first.
   */
  async kill(alias: string): Promise<void> {
    await this.run(`KILL ${quoteIdentifier(alias)}`);
  }

  async pause(alias: string): Promise<void> {
    await this.run(`PAUSE ${quoteIdentifier(alias)}`);
  }

  async resume(alias: string): Promise<void> {
    await this.run(`RESUME ${quoteIdentifier(alias)}`);
  }

  async enable(alias: string): Promise<void> {
    await this.run(`ENABLE ${quoteIdentifier(alias)}`);
  }

  /** Each server connection of the alias is replaced when its transaction is over. */
  async reconnect(alias: string): Promise<void> {
    await this.run(`RECONNECT ${quoteIdentifier(alias)}`);
  }

  /** Throws when the pooler does not answer. */
  async ping(): Promise<void> {
    await this.run('SHOW VERSION');
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = null;
    await client?.end().catch(() => {});
  }

  private run<Row extends QueryResultRow>(command: string): Promise<Row[]> {
    const result = this.queue.then(() => this.send<Row>(command));
    this.queue = result.catch(() => {});
    return result;
  }

  private async send<Row extends QueryResultRow>(command: string): Promise<Row[]> {
    const client = this.client ?? (await this.connect());
    try {
      return (await client.query<Row>(command)).rows;
    } catch (error) {
      if (!isRefusal(error)) this.discard(client);
      throw error;
    }
  }

  private async connect(): Promise<Client> {
    const client = new Client(this.connection());
    client.on('error', () => this.discard(client));
    client.on('end', () => this.discard(client));
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    this.client = client;
    return client;
  }

  private discard(client: Client): void {
    if (this.client === client) this.client = null;
    client.end().catch(() => {});
  }

  private connection(): ClientConfig {
    const { adminUser, adminPassword } = this.config;
    return {
      ...entranceOptions(this.config, this.tls, this.caFile),
      user: adminUser,
      password: adminPassword,
      database: POOLER_CONSOLE,
      application_name: 'rowhouse',
      query_timeout: COMMAND_TIMEOUT_MS,
      keepAlive: true,
    };
  }
}

/** Whether the console answered, with an error: then the connection is still good. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR';
}

/** From 1.23 on, one whose login was looked up before has its name while it waits, on the alias of the lookups. */
export function isLookedUp({ user, database }: Pick<PoolerClient, 'user' | 'database'>): boolean {
  return user !== NO_USER && database !== LOOKUP_ALIAS;
}
