import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Clock } from '../../kernel/clock.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { DatabaseEntity } from './database.entity.js';
import { DatabasePresenter } from './database-presenter.js';
import type { DatabaseStatus } from './database-status.js';
import { DatabasesRepository } from './databases.repository.js';

export interface Command {
  readonly kind: string;
  /** The statuses in which it makes sense. */
  readonly from: readonly DatabaseStatus[];
  readonly input?: Readonly<Record<string, unknown>>;
  /** Changes of the row that belong into the same transaction; the database as it is before them. */
  prepare?(tx: EntityManager, database: DatabaseEntity): Promise<void>;
  /** What else the operation has to know of the database as it is before them. */
  recall?(tx: EntityManager, database: DatabaseEntity): Promise<Readonly<Record<string, unknown>>>;
}

export interface Started {
  readonly database: DatabaseEntity;
  readonly operation: Operation;
}

/** Starts operations on databases that exist: lock the row, check, change, enqueue and audit in one control transaction. */
@Injectable()
export class DatabaseCommands {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: DatabasesRepository,
    private readonly presenter: DatabasePresenter,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  start(context: RequestContext, id: string, command: Command): Promise<Started> {
    return this.dataSource.transaction(async (tx) => {
      const database = await this.getLocked(tx, id);
      assertStatus(database, command);
      const before = this.presenter.database(database);
      const former = await command.recall?.(tx, database);
      await command.prepare?.(tx, database);
      const operation = await this.operations.create(tx, context, {
        kind: command.kind,
        subjectType: 'database',
        subjectId: id,
        input: { ...command.input, ...former },
      });
      await this.audit.record(tx, context, {
        action: command.kind,
        resourceType: 'database',
        resourceId: id,
        operationId: operation.id,
        before,
        after: command.input ?? {},
        outcome: 'accepted',
      });
      return { database, operation };
    });
  }

  /** Throws DELETION_PROTECTED. */
  startDelete(context: RequestContext, id: string): Promise<Started> {
    return this.start(context, id, {
      kind: 'database.delete',
      from: ['active', 'suspended', 'failed'],
      recall: async (_, { status }) => ({ former: status }),
      prepare: async (tx, found) => {
        if (found.deletionProtection) {
          throw new RowhouseError(
            'DELETION_PROTECTED',
            'Set deletionProtection to false before you delete it.',
          );
        }
        await this.repository.update(tx, id, { status: 'deleting', updatedAt: this.clock.now() });
      },
    });
  }

  async getLocked(tx: EntityManager, id: string): Promise<DatabaseEntity> {
    const database = await this.repository.findLocked(tx, id);
    if (!database) throw notFound('database', id);
    return database;
  }
}

function assertStatus({ status }: DatabaseEntity, { from }: Command): void {
  if (from.includes(status)) return;
  if (status === 'creating' || status === 'deleting') {
    throw new RowhouseError('RESOURCE_BUSY', `The database is ${status}; wait until that is done.`);
  }
  throw new RowhouseError('CONFLICT', `The database is ${status}; this needs it to be ${from.join(' or ')}.`);
}
