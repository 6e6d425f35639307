import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config, type ServerConfig } from '../config/config.js';
import { describeFlaws } from '../infra/pgbouncer/known-flaws.js';
import { PgBouncerAdmin, POOLER_CONSOLE } from '../infra/pgbouncer/pgbouncer-admin.js';
import { explainPoolerRefusal } from '../infra/pgbouncer/pooler-refusal.js';
import { PostgresAdmin } from '../infra/postgres/postgres-admin.js';
import { SessionSeals } from '../infra/postgres/session-seal.js';
import { untestedNotice } from '../infra/postgres/supported-versions.js';
import { notFound, RowhouseError } from '../kernel/errors.js';
import { newId } from '../kernel/ids.js';
import { AccessSync } from './access/access-sync.js';
import type { ManagedServer } from './managed-server.js';
import { PoolerAliases } from './pooler-aliases.js';
import { prepareServer } from './server-preparation.js';
import { recordFacts, registerServer } from './servers-table.js';
import { retireStock, withBuilderLock } from './warm-stock.js';

const DEFAULT_SERVER = 'default';
const RETRY_MS = 2_000;

export interface RegisteredServer {
  readonly id: string;
  readonly name: string;
  readonly config: ServerConfig;
  /** Null until it was reached and prepared. */
  readonly server: ManagedServer | null;
  /** Why it is not prepared, for operators. */
  readonly problem: string | null;
}

/**
 * The servers that homes stand on; for now the one of the environment. It is prepared at start; a server that is away
 * then is tried again until it answers, and work on it is refused meanwhile.
 */
@Injectable()
export class ServerRegistry implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ServerRegistry.name);
  private readonly postgres: PostgresAdmin;
  private readonly pooler: PgBouncerAdmin | null;
  private id = '';
  private server: ManagedServer | null = null;
  private problem: string | null = 'not reached yet';
  private retry: NodeJS.Timeout | null = null;
  private isStopping = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly aliases: PoolerAliases,
    private readonly access: AccessSync,
  ) {
    const { server, caFile } = config;
    this.postgres = new PostgresAdmin(server, caFile, SessionSeals.of(config));
    this.pooler = server.pooler ? new PgBouncerAdmin(server.pooler, server.tls, caFile) : null;
  }

  async onModuleInit(): Promise<void> {
    this.id = await registerServer(this.dataSource, {
      id: newId(),
      name: DEFAULT_SERVER,
      config: this.config.server,
    });
    await this.tryToPrepare();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.retry) clearTimeout(this.retry);
    await Promise.all([this.postgres.close(), this.pooler?.close()]);
  }

  /** The server of the environment. Throws SERVICE_UNAVAILABLE until it was prepared. */
  default(): ManagedServer {
    return this.get(this.id);
  }

  /** Throws NOT_FOUND, and SERVICE_UNAVAILABLE until it was prepared. */
  get(serverId: string): ManagedServer {
    this.assertKnown(serverId);
    if (this.server) return this.server;
    throw new RowhouseError('SERVICE_UNAVAILABLE', `The server "${DEFAULT_SERVER}" does not answer yet.`);
  }

  /** Where a server is, prepared or not. Throws NOT_FOUND. */
  configOf(serverId: string): ServerConfig {
    this.assertKnown(serverId);
    return this.config.server;
  }

  list(): readonly RegisteredServer[] {
    const { id, server, problem } = this;
    return [{ id, name: DEFAULT_SERVER, config: this.config.server, server, problem }];
  }

  /** Throws when the direct port does not answer. */
  async pingPostgres(serverId: string): Promise<void> {
    this.assertKnown(serverId);
    await this.postgres.ping();
  }

  /** Throws when the pooler does not answer. */
  async pingPooler(serverId: string): Promise<void> {
    this.assertKnown(serverId);
    await this.pooler?.ping();
  }

  /** What the pooler says of its configuration, also before the server is prepared; null when it does not tell. */
  async findPoolerSettings(serverId: string): Promise<ReadonlyMap<string, string> | null> {
    this.assertKnown(serverId);
    return (await this.pooler?.settings().catch(() => null)) ?? null;
  }

  private assertKnown(serverId: string): void {
    if (serverId !== this.id) throw notFound('server', serverId);
  }

  private async tryToPrepare(): Promise<void> {
    try {
      this.server = await this.prepare();
      this.problem = null;
    } catch (error) {
      if (this.isStopping) return;
      this.problem = error instanceof Error ? error.message : String(error);
      this.logger.warn(`The server "${DEFAULT_SERVER}" is not ready; it is tried again`, error);
      this.retry = setTimeout(() => void this.tryToPrepare(), RETRY_MS);
    }
  }

  private async prepare(): Promise<ManagedServer> {
    const { postgres, pooler, id } = this;
    const config = this.config.server;
    const { database, user } = this.config.control;
    const facts = await withBuilderLock(this.dataSource, id, () =>
      prepareServer({
        postgres,
        config,
        control: { database, user },
        retireCopies: () => retireStock(this.dataSource, id),
      }),
    );
    const capabilities = await pooler?.capabilities().catch((error: unknown) => {
      const user = config.pooler?.adminUser ?? '';
      throw explainPoolerRefusal(error, this.config, { user, database: POOLER_CONSOLE });
    });
    const flaws = pooler && capabilities ? await pooler.flaws(capabilities.version) : [];
    const server: ManagedServer = {
      id,
      name: DEFAULT_SERVER,
      config,
      postgres,
      pooler,
      facts: {
        ...facts,
        poolerVersion: capabilities?.version ?? null,
        poolerFlaws: flaws,
        canKillClient: capabilities?.canKillClient ?? false,
        hasAuthDbname: capabilities?.hasAuthDbname ?? false,
      },
    };
    this.warnOf(untestedNotice(facts.serverVersionNum));
    this.warnOf(describeFlaws(capabilities?.version ?? '', flaws));
    await recordFacts(this.dataSource, server);
    await this.aliases.sync(server);
    await this.refreshAccess(server);
    return server;
  }

  private warnOf(notice: string | null): void {
    if (notice !== null) this.logger.warn(notice);
  }

  /** Rules that a server does not take, for a line of an operator's, are no reason to stop everything else. */
  private async refreshAccess(server: ManagedServer): Promise<void> {
    try {
      await this.access.refresh(server);
    } catch (error) {
      if (error instanceof RowhouseError && error.code === 'SERVICE_UNAVAILABLE') throw error;
      this.logger.error(`The server "${DEFAULT_SERVER}" keeps its former access rules`, error);
    }
  }
}
