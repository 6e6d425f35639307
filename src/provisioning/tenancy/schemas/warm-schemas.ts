import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../../config/config.js';
import { isUnavailable } from '../../../infra/postgres/sqlstate.js';
import { newId } from '../../../kernel/ids.js';
import { AccessSync } from '../../access/access-sync.js';
import { homeAccess } from '../../access/home-access.js';
import { readHostTerms } from '../../access/host-terms.js';
import { Coalescer } from '../../coalescer.js';
import { defaultTenantSettings } from '../../default-settings.js';
import { HomeCredentials } from '../../home-credentials.js';
import type { ManagedServer } from '../../managed-server.js';
import { PoolerAliases } from '../../pooler-aliases.js';
import { ServerRegistry } from '../../server-registry.js';
import { stockTarget } from '../../stock-target.js';
import { tryWithBuilderLock } from '../../warm-stock.js';
import { SchemaProvisioner, type SchemaTenant } from './schema-provisioner.js';
import {
  addWarmSchema,
  claimSchema,
  findPlaces,
  findWarmSchema,
  finishWarmSchema,
  nextSchemaName,
  recordWarmOids,
  removeWarmSchema,
  retireOldVersions,
  retireWarmSchema,
  type StockPlace,
  type WarmSchema,
} from './warm-schema-stock.js';

const CHECK_INTERVAL_MS = 5_000;
/** Leaves the server to the creation that made the claim, and to others that come in the same moment. */
const PAUSE_AFTER_CLAIM_MS = 200;

export interface ClaimPlace {
  readonly databaseId: string | null;
  readonly groupId: string | null;
}

/** Keeps finished schemas of every template in use, so that a new tenant only has to get its login. */
@Injectable()
export class WarmSchemas implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WarmSchemas.name);
  private readonly refills = new Coalescer(() => this.refillAll());
  private interval: NodeJS.Timeout | null = null;
  private soon: NodeJS.Timeout | null = null;
  private isStopping = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly servers: ServerRegistry,
    private readonly schemas: SchemaProvisioner,
    private readonly credentials: HomeCredentials,
    private readonly aliases: PoolerAliases,
    private readonly access: AccessSync,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.role === 'api') return;
    this.interval = setInterval(() => this.refillSoon(0), CHECK_INTERVAL_MS);
    this.refillSoon(0);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.interval) clearInterval(this.interval);
    if (this.soon) clearTimeout(this.soon);
    await this.refills.idle();
  }

  /** Takes a finished schema inside the caller's transaction; null when there is none. */
  async claim(tx: EntityManager, templateId: string, place: ClaimPlace): Promise<WarmSchema | null> {
    if (this.config.tenants.warmPoolSize === 0) return null;
    const claimed = await claimSchema(tx, templateId, place);
    this.refillSoon(PAUSE_AFTER_CLAIM_MS);
    return claimed;
  }

  /** Resolves when the stock is full, or cannot be filled now. */
  refill(): Promise<void> {
    return this.refills.run();
  }

  private refillSoon(pauseMs: number): void {
    if (this.config.role === 'api' || this.isStopping || this.soon) return;
    this.soon = setTimeout(() => {
      this.soon = null;
      void this.refill();
    }, pauseMs);
  }

  private async refillAll(): Promise<void> {
    for (const { server } of this.servers.list()) {
      if (server) await this.work(server).catch((error: unknown) => this.report(error));
    }
  }

  private async work(server: ManagedServer): Promise<void> {
    await retireOldVersions(this.dataSource, server.id);
    let hasWork = true;
    while (hasWork && !this.isStopping) {
      hasWork = false;
      await tryWithBuilderLock(this.dataSource, `${server.id} schemas`, async () => {
        hasWork = (await this.build(server)) || (await this.dropRetired(server));
      });
    }
  }

  private async build(server: ManagedServer): Promise<boolean> {
    const row = (await findWarmSchema(this.dataSource, server.id, 'building')) ?? (await this.begin(server));
    if (!row) return false;
    try {
      await this.finish(server, row);
    } catch (error) {
      if (!isUnavailable(error)) await retireWarmSchema(this.dataSource, row.id);
      throw error;
    }
    return true;
  }

  private async begin(server: ManagedServer): Promise<WarmSchema | null> {
    const size = this.config.tenants.warmPoolSize;
    const places = size === 0 ? [] : await findPlaces(this.dataSource, server.id);
    const place = places.find(({ ready, demand }) => ready < stockTarget(size, demand));
    if (!place) return null;
    return this.plan(server, place);
  }

  private async plan(server: ManagedServer, place: StockPlace): Promise<WarmSchema> {
    const schemaName = await nextSchemaName(this.dataSource);
    const { verifier, ciphertext } = await this.credentials.generate(schemaName);
    const row: WarmSchema = {
      id: newId(),
      databaseId: place.databaseId,
      databaseName: place.databaseName,
      templateId: place.templateId,
      templateVersion: place.version,
      schemaName,
      schemaOid: null,
      username: schemaName,
      roleOid: null,
      scramVerifier: verifier,
      passwordCiphertext: ciphertext,
    };
    await addWarmSchema(this.dataSource, server.id, row);
    return row;
  }

  /** What a cold creation does, one after the other, but for the login; each may run again, so a schema half made by a crash is finished. */
  private async finish(server: ManagedServer, row: WarmSchema): Promise<void> {
    const tenant = this.toTenant(row);
    const roleOid = await this.schemas.ensureRole(server, tenant);
    const template = { templateId: row.templateId, version: row.templateVersion };
    await this.schemas.prepareRole(server, tenant);
    const schemaOid = await this.schemas.ensureSchema(server, tenant, { template, seeds: true });
    await recordWarmOids(this.dataSource, row.id, { roleOid, schemaOid });
    await this.aliases.sync(server);
    await this.guard(server, row);
    await finishWarmSchema(this.dataSource, row.id);
  }

  /** A tenant is reached as its host is, from its first login on. */
  private async guard(server: ManagedServer, { databaseId }: WarmSchema): Promise<void> {
    const terms = await readHostTerms(this.dataSource, databaseId);
    if (homeAccess(terms, this.config.defaultAccess) !== 'open') await this.access.sync(server);
  }

  private async dropRetired(server: ManagedServer): Promise<boolean> {
    const row = await findWarmSchema(this.dataSource, server.id, 'retired');
    if (!row) return false;
    const tenant = this.toTenant(row);
    await this.aliases.sync(server);
    await this.schemas.dropSchema(server, tenant);
    await this.schemas.dropRole(server, tenant);
    await removeWarmSchema(this.dataSource, row.id);
    return true;
  }

  private toTenant(row: WarmSchema): SchemaTenant {
    return { ...row, ...defaultTenantSettings(this.config) };
  }

  private report(error: unknown): void {
    if (this.isStopping) return;
    if (isUnavailable(error))
      this.logger.warn('The stock of schemas waits for PostgreSQL or PgBouncer', error);
    else this.logger.error('The stock of schemas could not be filled', error);
  }
}
