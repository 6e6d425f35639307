import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { decodeCursor, toPage } from '../http/pagination.js';
import type { Page } from '../http/reply.js';
import { type RequestContext, systemContext } from '../http/request-context.js';
import { AuditLog } from '../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../infra/postgres/sqlstate.js';
import { notFound, RowhouseError } from '../kernel/errors.js';
import { newId } from '../kernel/ids.js';
import { ChangeFeed } from './change-feed.js';
import { type NewOperation, type OperationFilter, OperationRepository } from './operation.repository.js';
import type { Operation, OperationActor, OperationHandler } from './operation.types.js';
import { OperationEnding } from './operation-ending.js';
import { CANCELLED } from './operation-failure.js';
import { OperationHandlers } from './operation-handlers.js';
import type { GrantedOperation } from './operation-run.js';
import { OperationRunner } from './operation-runner.js';
import { hasEnded } from './operation-state.js';
import { OperationWatcher } from './operation-watcher.js';

export interface OperationSpec {
  readonly kind: string;
  readonly subjectType: string;
  readonly subjectId: string | null;
  /** Never a secret: it is stored and shown to nobody, but it is stored. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface OperationQuery extends Omit<OperationFilter, 'after'> {
  readonly cursor?: string;
}

/** Durable work: every change to a server runs as an operation. */
@Injectable()
export class OperationsService {
  /** The leases of operations that were created here and not run yet; forgotten with them if they never are. */
  private readonly granted = new WeakMap<Operation, GrantedOperation>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: OperationRepository,
    private readonly handlers: OperationHandlers,
    private readonly runner: OperationRunner,
    private readonly watcher: OperationWatcher,
    private readonly ending: OperationEnding,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
  ) {}

  register(handler: OperationHandler): void {
    this.handlers.register(handler);
  }

  /**
   * Records an operation that `run` shall execute here as soon as the transaction has committed. If this process dies
   * before, a worker finds it. Throws RESOURCE_BUSY when the subject has an unfinished operation.
   */
  async create(tx: EntityManager, context: RequestContext, spec: OperationSpec): Promise<Operation> {
    const grantedAt = performance.now();
    const lease = { token: newId(), seconds: this.config.operations.leaseSeconds };
    const operation = await this.insert(tx, context, { spec, lease });
    const remainingMs = this.handlers.get(spec.kind).deadlineSeconds * 1000;
    this.granted.set(operation, { operation, token: lease.token, grantedAt, remainingMs });
    return operation;
  }

  /** Records an operation for any worker. Throws RESOURCE_BUSY when the subject has an unfinished operation. */
  enqueue(tx: EntityManager, context: RequestContext, spec: OperationSpec): Promise<Operation> {
    return this.insert(tx, context, { spec, lease: null });
  }

  /** Enqueues another operation on the subject of one that has just ended, in Rowhouse's own name. */
  enqueueFollowUp(tx: EntityManager, ended: Operation, kind: string): Promise<Operation> {
    const { id, subjectType, subjectId, actor } = ended;
    const context = { ...systemContext(`after ${ended.kind}`), requestId: actor.requestId };
    return this.enqueue(tx, context, { kind, subjectType, subjectId, input: { after: id } });
  }

  /**
   * Executes what `create` recorded, after its transaction has committed. Resolves when the operation has ended or the
   * time is over, in which case it goes on. An operation that another process runs is only waited for.
   */
  async run(operation: Operation, waitMs: number): Promise<Operation> {
    const giveUpAt = performance.now() + waitMs;
    const granted = this.granted.get(operation);
    this.granted.delete(operation);
    const run = granted && this.runner.start(granted);
    if (waitMs <= 0) return operation;
    const ended = run && (await within(run.ended, waitMs));
    if (ended) return ended;
    const remainingMs = giveUpAt - performance.now();
    const seen = remainingMs > 0 ? await this.watcher.waitForEnd(operation.id, remainingMs) : null;
    return seen ?? run?.current ?? operation;
  }

  find(id: string): Promise<Operation | null> {
    return this.repository.find(id);
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<Operation> {
    const operation = await this.repository.find(id);
    if (!operation) throw notFound('operation', id);
    return operation;
  }

  /** Newest first. */
  async list({ cursor, ...filter }: OperationQuery): Promise<Page<Operation>> {
    const operations = await this.repository.list({ ...filter, after: decodeCursor(cursor) });
    return toPage(operations, filter.limit, (operation) => operation);
  }

  /** Yields the operation as it is and after each change, until it has ended or the signal aborts. */
  watch(id: string, signal: AbortSignal): AsyncGenerator<Operation, void, undefined> {
    return this.watcher.watch(id, signal);
  }

  /** A pending operation is cancelled at once, a running one before its next step. Throws CONFLICT when it has ended. */
  async cancel(context: RequestContext, id: string): Promise<Operation> {
    const cancelled = await this.dataSource.transaction(async (tx) => {
      const operation = await this.repository.findLocked(tx, id);
      if (!operation) throw notFound('operation', id);
      if (hasEnded(operation))
        throw new RowhouseError('CONFLICT', `The operation has already ${operation.state}.`);
      const after = await this.cancelWithin(tx, operation);
      await this.audit.record(tx, context, {
        action: 'operation.cancel',
        resourceType: 'operation',
        resourceId: id,
        outcome: hasEnded(after) ? 'succeeded' : 'accepted',
        operationId: id,
      });
      return after;
    });
    this.feed.announce(id);
    return cancelled;
  }

  private async cancelWithin(tx: EntityManager, operation: Operation): Promise<Operation> {
    if (operation.state !== 'pending')
      return (await this.repository.requestCancel(tx, operation.id)) ?? operation;
    const handler = this.handlers.get(operation.kind);
    const end = { state: 'cancelled', error: CANCELLED } as const;
    return this.ending.abandonWithin(tx, operation, { token: null, handler, end });
  }

  private async insert(
    tx: EntityManager,
    context: RequestContext,
    { spec, lease }: { spec: OperationSpec; lease: NewOperation['lease'] },
  ): Promise<Operation> {
    const { maxAttempts, deadlineSeconds, steps } = this.handlers.get(spec.kind);
    const made: NewOperation = {
      ...spec,
      id: newId(),
      firstStep: steps[0]?.name ?? null,
      maxAttempts,
      deadlineSeconds,
      actor: toActor(context),
      idempotency: context.idempotencyKey
        ? { principalId: context.principal.id, key: context.idempotencyKey }
        : null,
      lease,
    };
    const operation = await this.repository.insert(tx, made).catch(toBusy);
    if (!operation) throw busy();
    return operation;
  }
}

function toActor({ principal, requestId, address }: RequestContext): OperationActor {
  return { type: principal.type, id: principal.id, name: principal.name, requestId, address };
}

/** Two inserts at the same moment: the unique index decides. */
function toBusy(error: unknown): never {
  if (sqlState(error) === SQLSTATE.uniqueViolation) throw busy();
  throw error;
}

function busy(): RowhouseError {
  return new RowhouseError('RESOURCE_BUSY', 'Another operation works on it. Try again when that has ended.', {
    headers: { 'retry-after': '1' },
  });
}

async function within<T>(work: Promise<T>, waitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), waitMs);
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
