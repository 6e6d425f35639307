import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { newId } from '../kernel/ids.js';
import { AccessSync } from './access/access-sync.js';
import { Coalescer } from './coalescer.js';
import type { WarmDatabase } from './database-home.js';
import { DatabaseProvisioner } from './database-provisioner.js';
import { defaultSettings } from './default-settings.js';
import { HomeCredentials } from './home-credentials.js';
import { freshHomeNames } from './home-names.js';
import type { ManagedServer } from './managed-server.js';
import { PoolerAliases } from './pooler-aliases.js';
import { RoleProvisioner } from './role-provisioner.js';
import { ServerRegistry } from './server-registry.js';
import { stockTarget } from './stock-target.js';
import {
  addToStock,
  claimFromStock,
  findInStock,
  finishInStock,
  recordOids,
  removeFromStock,
  retireFromStock,
  stockLevel,
  tryWithBuilderLock,
  type WarmRow,
} from './warm-stock.js';

const CHECK_INTERVAL_MS = 5_000;
/** Leaves the server to the creation that made the claim, and to others that come in the same moment. */
const PAUSE_AFTER_CLAIM_MS = 200;

/** Keeps a few finished homes on each server, so that a creation only has to give one its password. */
@Injectable()
export class WarmPool implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WarmPool.name);
  private readonly refills = new Map<string, Coalescer>();
  private interval: NodeJS.Timeout | null = null;
  private soon: NodeJS.Timeout | null = null;
  private isStopping = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly servers: ServerRegistry,
    private readonly provisioner: DatabaseProvisioner,
    private readonly roles: RoleProvisioner,
    private readonly credentials: HomeCredentials,
    private readonly aliases: PoolerAliases,
    private readonly access: AccessSync,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.role === 'api') return;
    this.interval = setInterval(() => void this.refillAll(), CHECK_INTERVAL_MS);
    void this.refillAll();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.interval) clearInterval(this.interval);
    if (this.soon) clearTimeout(this.soon);
    await Promise.allSettled([...this.refills.values()].map((refill) => refill.idle()));
  }

  /** Takes a finished home inside the caller's transaction; null when there is none. Asks for a new one by itself. */
  async claim(tx: EntityManager, serverId: string): Promise<WarmDatabase | null> {
    const claimed = await claimFromStock(tx, serverId);
    this.refillSoon();
    return claimed;
  }

  /** Fills the stock up to its target, one home after the other, and then removes what was retired. */
  refill(server: ManagedServer): Promise<void> {
    const known = this.refills.get(server.id);
    const coalescer = known ?? new Coalescer(() => this.work(server));
    if (!known) this.refills.set(server.id, coalescer);
    return coalescer.run();
  }

  private refillSoon(): void {
    if (this.config.role === 'api' || this.isStopping || this.soon) return;
    this.soon = setTimeout(() => {
      this.soon = null;
      void this.refillAll();
    }, PAUSE_AFTER_CLAIM_MS);
  }

  private async refillAll(): Promise<void> {
    if (this.isStopping) return;
    for (const { server } of this.servers.list()) {
      if (server) await this.refill(server).catch((error: unknown) => this.report(error));
    }
  }

  private report(error: unknown): void {
    if (this.isStopping) return;
    if (isUnavailable(error)) this.logger.warn('The warm pool waits for PostgreSQL or PgBouncer', error);
    else this.logger.error('The warm pool could not be filled', error);
  }

  private async work(server: ManagedServer): Promise<void> {
    let hasWork = true;
    while (hasWork && !this.isStopping) {
      hasWork = false;
      await tryWithBuilderLock(this.dataSource, server.id, async () => {
        hasWork = (await this.build(server)) || (await this.dropRetired(server));
      });
    }
  }

  private async dropRetired(server: ManagedServer): Promise<boolean> {
    const row = await findInStock(this.dataSource, server.id, 'retired');
    if (!row) return false;
    await this.aliases.sync(server);
    await this.provisioner.dropDatabase(server, row);
    await this.provisioner.dropRole(server, row);
    await removeFromStock(this.dataSource, row.id);
    return true;
  }

  private async build(server: ManagedServer): Promise<boolean> {
    const row = (await findInStock(this.dataSource, server.id, 'building')) ?? (await this.begin(server));
    if (!row) return false;
    try {
      await this.finish(server, row);
    } catch (error) {
      if (!isUnavailable(error)) await retireFromStock(this.dataSource, row.id);
      throw error;
    }
    return true;
  }

  private async begin(server: ManagedServer): Promise<WarmRow | null> {
    const level = await stockLevel(this.dataSource, server.id);
    if (level.ready >= stockTarget(this.config.databases.warmPoolSize, level.demand)) return null;
    const names = freshHomeNames();
    const sealed = await this.credentials.generateSealed(names.databaseName);
    const row: WarmRow = { id: newId(), ...names, ...sealed, databaseOid: null, roleOid: null };
    await addToStock(this.dataSource, server.id, row);
    return row;
  }

  /** The steps of a cold creation but for the login; each may run again, so a home half made by a crash is finished. */
  private async finish(server: ManagedServer, row: WarmRow): Promise<void> {
    const roleOid = await this.provisioner.ensureRole(server, row);
    const databaseOid = await this.provisioner.ensureDatabase(server, { ...row, roleOid });
    await this.provisioner.ensurePrivileges(server, row);
    const { scramVerifier } = row;
    const role = { username: row.username, ...defaultSettings(this.config) };
    if (scramVerifier) await this.roles.prepare(server, { ...role, scramVerifier });
    else await this.roles.applySettings(server, role);
    await recordOids(this.dataSource, { ...row, roleOid, databaseOid });
    await this.aliases.sync(server);
    if (this.config.defaultAccess === 'closed') await this.access.sync(server);
    await finishInStock(this.dataSource, row.id);
  }
}
