import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import type { PoolerAlias } from '../infra/pgbouncer/databases-ini.js';
import type { PgBouncerAdmin, PoolerPool } from '../infra/pgbouncer/pgbouncer-admin.js';
import { entranceOptions } from '../infra/postgres/entrance.js';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { DatabaseName } from '../kernel/identifiers.js';
import { settleAll } from '../kernel/settle-all.js';
import { AccessSync } from './access/access-sync.js';
import { readAliases } from './alias-reader.js';
import { Coalescer } from './coalescer.js';
import type { DatabaseHome } from './database-home.js';
import { stockLimits } from './default-settings.js';
import type { ManagedServer } from './managed-server.js';
import { pollUntil } from './poll.js';
import { poolSizes } from './pool-sizes.js';
import { applyDatabasesIni } from './pooler-files.js';
import { cutAlias, resumeAlias } from './resume-alias.js';
import { lockServerFiles } from './server-files-lock.js';

const CONFIRMATION_PATIENCE_MS = 15_000;

type PooledHome = Pick<DatabaseHome, 'databaseName' | 'maxConnections' | 'shadowDatabaseOid'>;

/** The entries of a server's pooler, one for each home and shadow database. Does nothing where there is no pooler. */
@Injectable()
export class PoolerAliases {
  private readonly syncs = new Map<string, Coalescer>();
  /** For each server the pool sizes of the aliases that were last seen live, by name. */
  private readonly served = new Map<string, ReadonlyMap<string, number>>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly access: AccessSync,
  ) {}

  /**
   * Makes the pooler serve what the control database says, in one go for all who ask meanwhile. Commit first. Throws
   * SERVICE_UNAVAILABLE when the pooler does not show the entries afterwards: RELOAD itself never fails. What is new
   * follows the rules of where it is when this returns.
   */
  sync(server: ManagedServer): Promise<void> {
    const known = this.syncs.get(server.id);
    const coalescer = known ?? new Coalescer(() => this.applyAndGuard(server));
    if (!known) this.syncs.set(server.id, coalescer);
    return coalescer.run();
  }

  /** The same, also when nothing seems to have changed: the files and the pooler are read anew. */
  async refresh(server: ManagedServer): Promise<void> {
    this.served.delete(server.id);
    await this.sync(server);
    await this.access.refresh(server);
  }

  /** Ends a pause or a refusal that somebody left behind. */
  async reopen({ pooler }: ManagedServer, alias: string): Promise<void> {
    const entry = (await pooler?.databases())?.find(({ name }) => name === alias);
    if (!pooler || !entry) return;
    if (entry.disabled) await pooler.enable(alias);
    if (entry.paused) await resumeAlias(pooler, alias);
  }

  /** Syncs only if the home's alias was not seen live with its pool size. */
  async ensure(server: ManagedServer, home: PooledHome): Promise<void> {
    const { main } = poolSizes({ ...home, hasShadow: home.shadowDatabaseOid !== null });
    if (this.served.get(server.id)?.get(home.databaseName) !== main) await this.sync(server);
  }

  /** Ends every client and server connection of the alias and of its shadow. */
  evict(server: ManagedServer, databaseName: string): Promise<void> {
    return this.evictAll(server, namesOf(databaseName));
  }

  /** The same for many aliases, looking once which of them there are. */
  async evictAll({ pooler }: ManagedServer, names: readonly string[]): Promise<void> {
    if (!pooler) return;
    for (const alias of await servedOf(pooler, names)) await cutAlias(pooler, alias);
  }

  /** Replaces the server connections of the alias and of its shadow, each after its transaction. */
  async reconnect({ pooler }: ManagedServer, databaseName: string): Promise<void> {
    if (!pooler) return;
    for (const alias of await servedOf(pooler, namesOf(databaseName))) await pooler.reconnect(alias);
  }

  /** The same for many aliases in one go: those that have server connections, which one look tells. */
  async reconnectAll({ pooler }: ManagedServer, aliases: readonly string[]): Promise<void> {
    if (!pooler || aliases.length === 0) return;
    const wanted = new Set(aliases);
    const live = (await pooler.pools()).filter((pool) => wanted.has(pool.database) && hasServers(pool));
    const names = new Set(live.map((pool) => pool.database));
    await settleAll([...names].map((name) => pooler.reconnect(name)));
  }

  /** Runs `work` while the alias has no connection and makes none; its new clients wait. */
  async whileKilled({ pooler }: ManagedServer, alias: string, work: () => Promise<void>): Promise<void> {
    const isServed = pooler && (await servedOf(pooler, [alias])).length > 0;
    if (!isServed) return work();
    await pooler.kill(alias);
    try {
      await work();
    } finally {
      await resumeAlias(pooler, alias);
    }
  }

  /** Makes the pooler forget the keys of former passwords, so that it opens server connections with the new ones. */
  async refreshKeys(
    server: ManagedServer,
    home: Pick<DatabaseHome, 'databaseName' | 'username'>,
    password: string,
  ): Promise<void> {
    if (!server.pooler) return;
    for (const alias of await servedOf(server.pooler, namesOf(home.databaseName))) {
      const isRefreshed = await this.logIn(server, { user: home.username, password, alias });
      if (isRefreshed) await server.pooler.reconnect(alias);
      else await this.whileKilled(server, alias, async () => {});
    }
  }

  private async applyAndGuard(server: ManagedServer): Promise<void> {
    await this.apply(server);
    await this.access.follow(server);
  }

  private async apply(server: ManagedServer): Promise<void> {
    const { pooler, config } = server;
    if (!pooler || !config.pooler) return;
    const { configDir } = config.pooler;
    if (configDir === null) return pooler.ping();
    await this.dataSource.transaction(async (tx) => {
      await lockServerFiles(tx, server);
      const aliases = await readAliases(tx, server, stockLimits(this.config));
      const { hasChanged, removed } = await applyDatabasesIni(configDir, aliases);
      if (!hasChanged && this.isServed(server, aliases)) return;
      this.served.delete(server.id);
      await pooler.reload();
      await confirm(pooler, aliases, removed);
      this.served.set(server.id, new Map(aliases.map(({ name, poolSize }) => [name, poolSize])));
    });
  }

  private isServed(server: ManagedServer, aliases: readonly PoolerAlias[]): boolean {
    const served = this.served.get(server.id);
    return (
      aliases.length === served?.size && aliases.every(({ name, poolSize }) => served.get(name) === poolSize)
    );
  }

  private async logIn(
    { config }: ManagedServer,
    { user, password, alias }: { user: string; password: string; alias: string },
  ): Promise<boolean> {
    if (!config.pooler) return false;
    const client = new Client({
      ...entranceOptions(config.pooler, config.tls, this.config.caFile),
      user,
      password,
      database: alias,
      application_name: 'rowhouse',
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      if (error instanceof Error && 'severity' in error) return false;
      if (isUnavailable(error)) throw error;
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function namesOf(databaseName: string): string[] {
  return [databaseName, DatabaseName.of(databaseName).shadow.value];
}

/** Those that the pooler has: with a `*` entry, KILL of another name would create it. */
async function servedOf(pooler: PgBouncerAdmin, names: readonly string[]): Promise<string[]> {
  const served = new Set((await pooler.databases()).map((database) => database.name));
  return names.filter((name) => served.has(name));
}

function hasServers(pool: PoolerPool): boolean {
  return pool.sv_active + pool.sv_idle + pool.sv_used + pool.sv_tested + pool.sv_login > 0;
}

function confirm(
  pooler: PgBouncerAdmin,
  aliases: readonly PoolerAlias[],
  removed: readonly string[],
): Promise<void> {
  const isLive = async () => {
    const served = new Map((await pooler.databases()).map((database) => [database.name, database]));
    const isMissing = aliases.some(({ name, database, poolSize }) => {
      const entry = served.get(name);
      return entry?.database !== database || entry.pool_size !== poolSize;
    });
    return !isMissing && !removed.some((name) => served.has(name));
  };
  return pollUntil(isLive, {
    timeoutMs: CONFIRMATION_PATIENCE_MS,
    what: 'PgBouncer to serve its new configuration; its log says which line it did not take',
  });
}
