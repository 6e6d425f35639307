import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { HomeKey } from '../../provisioning/logins/login-home.js';
import { LoginStore } from '../../provisioning/logins/login-store.js';

/** Begins the end of an overlap, for the job and for callers who don't want to wait. */
@Injectable()
export class OverlapEnd {
  constructor(
    private readonly store: LoginStore,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  /** In the caller's control transaction. Throws CONFLICT when there is no overlap, and RESOURCE_BUSY. */
  async begin(tx: EntityManager, context: RequestContext, { type, id }: HomeKey): Promise<Operation> {
    const overlap = await this.store.findOverlap({ type, id }, tx);
    if (!overlap)
      throw new RowhouseError('CONFLICT', 'There is no previous login: no rotation is in its grace.');
    const kind = `${type}.end_overlap`;
    const operation = await this.operations.create(tx, context, {
      kind,
      subjectType: type,
      subjectId: id,
      input: { username: overlap.username },
    });
    await this.audit.record(tx, context, {
      action: kind,
      resourceType: type,
      resourceId: id,
      operationId: operation.id,
      before: { username: overlap.username, ends_at: overlap.endsAt.toISOString() },
      outcome: 'accepted',
    });
    return operation;
  }
}
