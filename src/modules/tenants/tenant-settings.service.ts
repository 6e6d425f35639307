import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { taken } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { assertWithinServer } from '../databases/database-limits.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import type { PatchTenantDto } from './dto/requests.dto.js';
import type { TenantDto } from './dto/tenant.dto.js';
import type { Tenant } from './tenant.js';
import { assertStatus, TenantCommands } from './tenant-commands.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsReader } from './tenants.reader.js';
import { type TenantChanges, TenantsRepository } from './tenants.repository.js';

/** What a tenant's own database has instead of the tenant. */
const OF_DATABASE = [
  'maxConnections',
  'statementTimeoutMs',
  'lockTimeoutMs',
  'idleInTransactionTimeoutMs',
  'externalAccess',
] as const;
/** What the host's registry shows too. */
const REGISTERED = ['slug', 'name'] as const;

/** Changes what a tenant was made with; its schema keeps its name. */
@Injectable()
export class TenantSettingsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly commands: TenantCommands,
    private readonly operations: OperationsService,
    private readonly repository: TenantsRepository,
    private readonly reader: TenantsReader,
    private readonly presenter: TenantPresenter,
    private readonly databases: ManagedDatabases,
    private readonly servers: ServerRegistry,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  async patch(context: RequestContext, id: string, dto: PatchTenantDto): Promise<OperationReply<TenantDto>> {
    const operations = await this.dataSource
      .transaction((tx) => this.begin(tx, context, { id, dto }))
      .catch((error: unknown) => {
        if (sqlState(error) !== SQLSTATE.uniqueViolation) throw error;
        throw taken('slug', `There is a tenant with the slug "${dto.slug}" already.`);
      });
    let last: Operation | null = null;
    for (const operation of operations) last = await this.operations.run(operation, context.waitMs);
    if (!last) return new Reply(200, await this.reader.get(id));
    return toReply(last, { created: false, resource: () => this.reader.get(id) });
  }

  /** Row, audit row and the operations that the servers need. */
  private async begin(
    tx: EntityManager,
    context: RequestContext,
    { id, dto }: { id: string; dto: PatchTenantDto },
  ): Promise<Operation[]> {
    const tenant = await this.commands.getLocked(tx, id);
    assertStatus(tenant, ['active', 'suspended']);
    const changes = changesOf(tenant, dto);
    if (Object.keys(changes).length === 0) return [];
    if (changes.maxConnections) assertWithinServer(this.servers.get(tenant.serverId), changes.maxConnections);
    const own = tenant.isolation === 'schema' ? changes : without(changes, OF_DATABASE);
    await this.repository.update(tx, id, { ...own, updatedAt: this.clock.now() });
    const apply = needsApply(tenant, own) ? await this.apply(tx, context, { tenant, changes: own }) : null;
    const limits = tenant.isolation === 'database' ? only(changes, OF_DATABASE) : {};
    const onDatabase =
      tenant.databaseId && Object.keys(limits).length > 0
        ? await this.databases.changeLimits(tx, context, { id: tenant.databaseId, limits })
        : null;
    const operations = [onDatabase, apply].filter((operation) => operation !== null);
    await this.audit.record(tx, context, {
      action: 'tenant.update',
      resourceType: 'tenant',
      resourceId: id,
      operationId: operations.at(-1)?.id,
      before: this.presenter.tenant(tenant),
      after: this.presenter.tenant({ ...tenant, ...changes }),
      outcome: operations.length > 0 ? 'accepted' : 'succeeded',
    });
    return operations;
  }

  private apply(
    tx: EntityManager,
    context: RequestContext,
    { tenant, changes }: { tenant: Tenant; changes: TenantChanges },
  ): Promise<Operation> {
    const names = Object.keys(changes) as (keyof TenantChanges)[];
    const former = Object.fromEntries(names.map((name) => [name, tenant[name]]));
    return this.operations.create(tx, context, {
      kind: 'tenant.apply',
      subjectType: 'tenant',
      subjectId: tenant.id,
      input: { isolation: tenant.isolation, access: 'externalAccess' in changes, former },
    });
  }
}

/** A tenant's own database has a registry only where a template made one. */
function needsApply({ isolation, templateId }: Tenant, changes: TenantChanges): boolean {
  const hasLimits = OF_DATABASE.some((name) => name in changes);
  const isRegistered = REGISTERED.some((name) => name in changes);
  return isolation === 'schema' ? hasLimits || isRegistered : isRegistered && templateId !== null;
}

function changesOf(tenant: Tenant, dto: PatchTenantDto): TenantChanges {
  const given = Object.entries(dto).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.filter(([name, value]) => !isDeepStrictEqual(tenant[name as keyof Tenant], value)),
  );
}

function only(changes: TenantChanges, names: readonly string[]): TenantChanges {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => names.includes(name)));
}

function without(changes: TenantChanges, names: readonly string[]): TenantChanges {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => !names.includes(name)));
}
