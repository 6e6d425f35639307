import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type AuditActor, AuditLog } from '../infra/control-db/audit-log.js';
import { OperationStopped } from './lease-keeper.js';
import { OperationRepository } from './operation.repository.js';
import type { Operation, OperationActor, OperationError, OperationHandler } from './operation.types.js';

export interface BadEnd {
  readonly state: 'failed' | 'cancelled';
  readonly error: OperationError;
}

/** Ends operations: the handler's part and the operation's own state change are one control transaction. */
@Injectable()
export class OperationEnding {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: OperationRepository,
    private readonly audit: AuditLog,
  ) {}

  /** Throws OperationStopped, and changes nothing, when the lease is lost. */
  succeed(operation: Operation, token: string, handler: OperationHandler): Promise<Operation> {
    return this.dataSource.transaction(async (tx) => {
      const result = await handler.succeed(tx, operation);
      return assertHeld(await this.repository.succeed(tx, operation.id, token, result));
    });
  }

  /** Throws OperationStopped, and changes nothing, when the lease is lost. */
  abandon(operation: Operation, token: string, handler: OperationHandler, end: BadEnd): Promise<Operation> {
    return this.dataSource.transaction((tx) => this.abandonWithin(tx, operation, { token, handler, end }));
  }

  /**
   * `token` is null for an operation that is pending. The state changes before the handler's part, so that the handler
   * may enqueue another operation on the same subject.
   */
  async abandonWithin(
    tx: EntityManager,
    operation: Operation,
    { token, handler, end }: { token: string | null; handler: OperationHandler; end: BadEnd },
  ): Promise<Operation> {
    const ended = assertHeld(await this.repository.abandon(tx, operation.id, token, end));
    await handler.fail(tx, ended, end.error);
    await this.audit.record(tx, toAuditActor(operation.actor), {
      action: operation.kind,
      resourceType: operation.subjectType,
      resourceId: operation.subjectId,
      outcome: 'failed',
      operationId: operation.id,
      errorCode: end.error.code,
    });
    return ended;
  }
}

function assertHeld(operation: Operation | null): Operation {
  if (!operation) throw new OperationStopped('lease-lost');
  return operation;
}

function toAuditActor({ type, id, name, requestId, address }: OperationActor): AuditActor {
  return { principal: { type, id, name }, requestId, address };
}
