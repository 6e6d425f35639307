import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { RequestContext } from '../../http/request-context.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { invalidField, notFound, RowhouseError, taken } from '../../kernel/errors.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { defaultSettings, defaultTenantSettings } from '../../provisioning/default-settings.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { CloneSource } from '../../provisioning/tenancy/schemas/clone-source.js';
import { type StoredTemplate, TemplateStore } from '../../provisioning/tenancy/templates/template-store.js';
import { assertWithinServer } from '../databases/database-limits.js';
import { Placement } from '../hosts/placement.service.js';
import type { CloneTenantDto, CreateTenantDto } from './dto/requests.dto.js';
import type { TenantWithPasswordDto } from './dto/tenant.dto.js';
import type { TenantWish } from './new-tenant.js';
import type { Tenant } from './tenant.js';
import { assertStatus } from './tenant-commands.js';
import { type Creation, type SchemaPlace, TenantCreation } from './tenant-creation.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsRepository } from './tenants.repository.js';

/** Others may take the room of a new database first. */
const PLACEMENT_ATTEMPTS = 20;

/** Brings tenants into being. */
@Injectable()
export class TenantsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: TenantsRepository,
    private readonly presenter: TenantPresenter,
    private readonly creation: TenantCreation,
    private readonly placement: Placement,
    private readonly templates: TemplateStore,
    private readonly cloneSource: CloneSource,
    private readonly operations: OperationsService,
    private readonly servers: ServerRegistry,
    private readonly clock: Clock,
  ) {}

  async create(
    context: RequestContext,
    dto: CreateTenantDto,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    assertCoherent(dto);
    if (dto.maxConnections) assertWithinServer(this.servers.default(), dto.maxConnections);
    const template = dto.templateId === undefined ? null : await this.usableTemplate(dto.templateId);
    const wish: TenantWish = {
      dto,
      settings: this.settingsOf(dto),
      template,
      version: template?.latestVersion ?? 0,
      source: null,
      withData: false,
      at: this.clock.now(),
    };
    if (dto.isolation === 'database') return this.createDatabase(context, wish, ownerOf(dto));
    const groupId = dto.databaseId ? null : await this.placement.getGroup(dto.hostGroup);
    const isUsual = isDeepStrictEqual(wish.settings, defaultTenantSettings(this.config));
    const canBeWarm = isUsual && dto.externalAccess !== false;
    return this.createSchema(context, wish, { databaseId: dto.databaseId ?? null, groupId, canBeWarm });
  }

  /** The clone lives beside its source, at the source's version when it takes the rows along. */
  async clone(
    context: RequestContext,
    id: string,
    dto: CloneTenantDto,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    const source = await this.repository.find(id);
    if (!source) throw notFound('tenant', id);
    assertStatus(source, ['active', 'suspended']);
    const withData = dto.withData === true;
    const template = source.templateId === null ? null : await this.templates.get(source.templateId);
    if (withData && !template) throw withoutTemplate();
    const server = this.servers.get(source.serverId);
    if (withData) await this.cloneSource.assertCopyable(server, source);
    const isDatabase = source.isolation === 'database';
    const extensions = isDatabase ? await this.cloneSource.extensions(server, source) : undefined;
    const wish: TenantWish = {
      dto: { ...dto, isolation: source.isolation, externalAccess: source.externalAccess, extensions },
      settings: settingsOfTenant(source),
      template,
      version: withData ? source.templateVersion : (template?.latestVersion ?? 0),
      source,
      withData,
      at: this.clock.now(),
    };
    if (isDatabase) return this.createDatabase(context, wish, OPERATOR);
    return this.createSchema(context, wish, {
      databaseId: source.databaseId,
      groupId: null,
      canBeWarm: false,
    });
  }

  private async createSchema(
    context: RequestContext,
    wish: TenantWish,
    place: SchemaPlace,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    const serverId = this.servers.default().id;
    for (let attempt = 1; attempt <= PLACEMENT_ATTEMPTS; attempt += 1) {
      const creation = await this.dataSource
        .transaction((tx) => this.creation.beginSchema(tx, context, { wish, place, serverId }))
        .catch((error: unknown) => throwTaken(error, wish));
      if (creation) return this.finishPlaced(context, creation, place);
      await this.assertSlugFree(wish.dto.slug);
      await this.placement.grow(context, place.groupId ?? '');
    }
    throw new RowhouseError(
      'NO_ROOM',
      'The new hosting database was full again before this tenant had its place.',
    );
  }

  /** The next hosting database is thought of when this tenant has its home. */
  private async finishPlaced(
    context: RequestContext,
    creation: Creation,
    { groupId }: SchemaPlace,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    try {
      return await this.finish(context, creation);
    } finally {
      if (groupId) this.placement.growAhead(groupId);
    }
  }

  private async createDatabase(
    context: RequestContext,
    wish: TenantWish,
    ownerEmail: string,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    const creation = await this.dataSource
      .transaction((tx) => this.creation.beginDatabase(tx, context, { wish, ownerEmail }))
      .catch((error: unknown) => throwTaken(error, wish));
    return this.finish(context, creation);
  }

  private async finish(
    context: RequestContext,
    { tenant, operation, before, password }: Creation,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    for (const other of before) await this.operations.run(other, 0);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: true,
      resource: async () =>
        this.presenter.tenantWithPassword(await this.afterwards(tenant, ended.kind), password),
      pending: () => ({ credentials: this.presenter.credentials(tenant, password) }),
    });
  }

  /** What goes into a schema changes nothing of the row that is shown, but its status; a clone may have a later version. */
  private async afterwards(tenant: Tenant, kind: string): Promise<Tenant> {
    if (kind === 'tenant.create' || kind === 'tenant.claim') return { ...tenant, status: 'active' };
    const found = await this.repository.find(tenant.id);
    if (!found) throw notFound('tenant', tenant.id);
    return found;
  }

  private async assertSlugFree(slug: string): Promise<void> {
    if (await this.repository.findBySlug(slug)) throw slugTaken(slug);
  }

  private async usableTemplate(id: string): Promise<StoredTemplate> {
    const template = await this.templates.find(id);
    if (!template) throw invalidField('templateId', `there is no template with the id ${id}`);
    if (template.status === 'retired') {
      throw new RowhouseError(
        'CONFLICT',
        `The template "${template.name}" is retired: it takes no new tenants.`,
      );
    }
    if (template.latestVersion === 0) {
      throw new RowhouseError('CONFLICT', `The template "${template.name}" has no version yet.`);
    }
    return template;
  }

  private settingsOf(dto: CreateTenantDto) {
    const usual =
      dto.isolation === 'database' ? defaultSettings(this.config) : defaultTenantSettings(this.config);
    return {
      maxConnections: dto.maxConnections ?? usual.maxConnections,
      statementTimeoutMs: dto.statementTimeoutMs ?? usual.statementTimeoutMs,
      lockTimeoutMs: dto.lockTimeoutMs ?? usual.lockTimeoutMs,
      idleInTransactionTimeoutMs: dto.idleInTransactionTimeoutMs ?? usual.idleInTransactionTimeoutMs,
    };
  }
}

/** Who answers for a tenant's database when nobody was named. */
const OPERATOR = 'operator@rowhouse.invalid';

function ownerOf({ ownerEmail }: CreateTenantDto): string {
  return ownerEmail ?? OPERATOR;
}

function settingsOfTenant(source: Tenant) {
  const { maxConnections, statementTimeoutMs, lockTimeoutMs, idleInTransactionTimeoutMs } = source;
  return { maxConnections, statementTimeoutMs, lockTimeoutMs, idleInTransactionTimeoutMs };
}

/** A database of its own is nobody's choice of a host. */
function assertCoherent({ isolation, databaseId, hostGroup, ownerEmail, extensions }: CreateTenantDto): void {
  const isDatabase = isolation === 'database';
  if (isDatabase && databaseId) throw invalidField('databaseId', 'is for isolation schema only');
  if (isDatabase && hostGroup) throw invalidField('hostGroup', 'is for isolation schema only');
  if (databaseId && hostGroup) throw invalidField('hostGroup', 'is not for tenants with a databaseId');
  if (!isDatabase && extensions) {
    const how = 'give them to the hosting database: PUT /api/databases/:id/extensions/:name';
    throw invalidField('extensions', `is for isolation database only; ${how}`);
  }
  if (!isDatabase && ownerEmail) throw invalidField('ownerEmail', 'is for isolation database only');
}

function throwTaken(error: unknown, { dto }: TenantWish): never {
  if (sqlState(error) === SQLSTATE.uniqueViolation) throw slugTaken(dto.slug);
  throw error;
}

function slugTaken(slug: string): RowhouseError {
  return taken('slug', `There is a tenant with the slug "${slug}" already.`);
}

function withoutTemplate(): RowhouseError {
  return new RowhouseError(
    'CONFLICT',
    'The tenant has no template, so nothing tells which tables a copy would need. Use pg_dump.',
  );
}
