import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { TenantStatus } from '../../provisioning/tenancy/schemas/tenant-home.js';
import type { Tenant } from './tenant.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantsRepository } from './tenants.repository.js';

export interface Command {
  readonly kind: string;
  /** What the audit trail calls it; the operation's kind unless that tells how rather than what. */
  readonly action?: string;
  readonly from: readonly TenantStatus[];
  readonly input?: Readonly<Record<string, unknown>>;
  /** Changes of the row that belong into the same transaction; the tenant as it is before them. */
  prepare?(tx: EntityManager, tenant: Tenant): Promise<void>;
  /** What else the operation has to know of the tenant as it is before them. */
  recall?(tx: EntityManager, tenant: Tenant): Promise<Readonly<Record<string, unknown>>>;
}

export interface Started {
  readonly tenant: Tenant;
  readonly operation: Operation;
}

/** Starts operations on tenants that exist: lock the row, check, change, enqueue and audit in one control transaction. */
@Injectable()
export class TenantCommands {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: TenantsRepository,
    private readonly presenter: TenantPresenter,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  start(context: RequestContext, id: string, command: Command): Promise<Started> {
    return this.dataSource.transaction(async (tx) => {
      const tenant = await this.getLocked(tx, id);
      assertStatus(tenant, command.from);
      const before = this.presenter.tenant(tenant);
      const former = await command.recall?.(tx, tenant);
      await command.prepare?.(tx, tenant);
      const operation = await this.operations.create(tx, context, {
        kind: command.kind,
        subjectType: 'tenant',
        subjectId: id,
        input: { ...command.input, ...former },
      });
      await this.audit.record(tx, context, {
        action: command.action ?? command.kind,
        resourceType: 'tenant',
        resourceId: id,
        operationId: operation.id,
        before,
        after: command.input ?? {},
        outcome: 'accepted',
      });
      return { tenant, operation };
    });
  }

  /** Throws NOT_FOUND. */
  async getLocked(tx: EntityManager, id: string): Promise<Tenant> {
    const tenant = await this.repository.findLocked(tx, id);
    if (!tenant) throw notFound('tenant', id);
    return tenant;
  }
}

export function assertStatus({ status }: Tenant, from: readonly TenantStatus[]): void {
  if (from.includes(status)) return;
  if (status === 'creating' || status === 'deleting') {
    throw new RowhouseError('RESOURCE_BUSY', `The tenant is ${status}; wait until that is done.`);
  }
  throw new RowhouseError('CONFLICT', `The tenant is ${status}; this needs it to be ${from.join(' or ')}.`);
}
