import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { MigrationDto } from './dto/migration.dto.js';
import type { Migration } from './migration.js';
import type { MigrationState } from './migration-state.js';
import { MigrationTenantsRepository } from './migration-tenants.repository.js';
import { MigrationsReader } from './migrations.reader.js';
import { MigrationsRepository } from './migrations.repository.js';

/** What a command found to do: an operation to run, or nothing any more. */
type Begun = Operation | null;

/** Stops migrations and makes them go on. */
@Injectable()
export class MigrationCommandsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly migrations: MigrationsRepository,
    private readonly tenants: MigrationTenantsRepository,
    private readonly reader: MigrationsReader,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  /** Waits for the tenants at work, not longer than the client does. */
  pause(context: RequestContext, id: string): Promise<OperationReply<MigrationDto>> {
    return this.perform(context, id, {
      verb: 'pause',
      from: ['pending', 'running'],
      work: (tx, migration) => {
        if (migration.dryRun) throw new RowhouseError('CONFLICT', 'A dry run can only be cancelled.');
        return this.request(tx, migration, 'pause');
      },
    });
  }

  cancel(context: RequestContext, id: string): Promise<OperationReply<MigrationDto>> {
    return this.perform(context, id, {
      verb: 'cancel',
      from: ['pending', 'running', 'paused'],
      work: async (tx, migration) => {
        if (migration.state !== 'paused') return this.request(tx, migration, 'cancel');
        await this.migrations.move(tx, id, { to: 'cancelled', error: null });
        return null;
      },
    });
  }

  resume(context: RequestContext, id: string): Promise<OperationReply<MigrationDto>> {
    return this.perform(context, id, {
      verb: 'resume',
      from: ['paused'],
      work: (tx) => this.goOn(tx, context, id),
    });
  }

  retryFailed(context: RequestContext, id: string): Promise<OperationReply<MigrationDto>> {
    return this.perform(context, id, {
      verb: 'retry_failed',
      from: ['paused', 'failed'],
      work: async (tx, { dryRun }) => {
        if (dryRun) throw new RowhouseError('CONFLICT', 'This was a dry run: begin another one.');
        if ((await this.tenants.resetFailed(tx, id)) === 0)
          throw new RowhouseError('CONFLICT', 'No tenant of it failed. Resume it instead.');
        return this.goOn(tx, context, id);
      },
    });
  }

  private async perform(
    context: RequestContext,
    id: string,
    command: Command,
  ): Promise<OperationReply<MigrationDto>> {
    const operation = await this.dataSource
      .transaction((tx) => this.begin(tx, context, { id, ...command }))
      .catch(explain);
    const resource = () => this.reader.get(id);
    if (!operation) return new Reply(200, await resource());
    const ended = await this.operations.run(operation, context.waitMs);
    if (ended.state === 'cancelled') return new Reply(200, await resource());
    return toReply(ended, { created: false, resource });
  }

  private async begin(
    tx: EntityManager,
    context: RequestContext,
    { id, verb, from, work }: Command & { id: string },
  ): Promise<Begun> {
    const migration = await this.migrations.findLocked(tx, id);
    if (!migration) throw notFound('migration', id);
    if (!from.includes(migration.state)) {
      throw new RowhouseError(
        'CONFLICT',
        `The migration is ${migration.state}; this needs it to be ${from.join(' or ')}.`,
      );
    }
    const operation = await work(tx, migration);
    await this.audit.record(tx, context, {
      action: `migration.${verb}`,
      resourceType: 'migration',
      resourceId: id,
      operationId: operation?.id,
      before: { state: migration.state },
      outcome: operation ? 'accepted' : 'succeeded',
    });
    return operation;
  }

  /** The run looks a few times a second; the operation that runs it is what to wait for. */
  private async request(tx: EntityManager, { id }: Migration, wish: 'pause' | 'cancel'): Promise<Begun> {
    await this.migrations.request(tx, id, { wish, error: null });
    const { items } = await this.operations.list({ subjectId: id, limit: 1 });
    return items[0] ?? null;
  }

  private async goOn(tx: EntityManager, context: RequestContext, id: string): Promise<Begun> {
    await this.migrations.move(tx, id, { to: 'pending', error: null });
    const { ring } = await this.tenants.totals(id, tx);
    return this.operations.create(tx, context, {
      kind: 'migration.run',
      subjectType: 'migration',
      subjectId: id,
      input: { isPastCanary: ring !== 0 },
    });
  }
}

interface Command {
  readonly verb: string;
  readonly from: readonly MigrationState[];
  work(tx: EntityManager, migration: Migration): Promise<Begun>;
}

function explain(error: unknown): never {
  if (sqlState(error) !== SQLSTATE.uniqueViolation) throw error;
  throw new RowhouseError('CONFLICT', 'The template has another migration that is not finished.');
}
