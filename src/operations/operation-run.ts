import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { isSessionLost, isUnavailable, SQLSTATE, sqlState } from '../infra/postgres/sqlstate.js';
import type { ChangeFeed } from './change-feed.js';
import { LeaseKeeper, OperationStopped } from './lease-keeper.js';
import type { AcquiredOperation, OperationRepository } from './operation.repository.js';
import type { Operation, OperationHandler, OperationStep } from './operation.types.js';
import type { BadEnd, OperationEnding } from './operation-ending.js';
import { CANCELLED, INTERRUPTED, retryDelay, TIMED_OUT, toOperationError } from './operation-failure.js';
import type { OperationObserver } from './operation-observer.js';

const WRITE_RETRY_MS = 250;
const UNSETTLED_RETRY_MS = 10_000;
/** How long a step that ignores its signal at the deadline is waited for, before its clearing up may begin. */
const STEP_GRACE_MS = 30_000;

export interface RunTools {
  readonly repository: OperationRepository;
  readonly ending: OperationEnding;
  readonly feed: ChangeFeed;
  readonly observer: OperationObserver | null;
  readonly logger: Logger;
  readonly leaseSeconds: number;
}

export interface GrantedOperation extends AcquiredOperation {
  /** When the lease was asked for, by `performance.now()`. */
  readonly grantedAt: number;
}

/** One attempt at one operation, under one lease. */
export class OperationRun {
  private operation: Operation;
  private readonly token: string;
  private readonly keeper: LeaseKeeper;

  /** Resolves with the operation when this run ended it, else with null: it was postponed, handed over or lost. */
  readonly ended: Promise<Operation | null>;

  constructor(
    granted: GrantedOperation,
    private readonly handler: OperationHandler,
    private readonly tools: RunTools,
  ) {
    const { repository, leaseSeconds } = tools;
    this.operation = granted.operation;
    this.token = granted.token;
    this.keeper = new LeaseKeeper({
      leaseMs: leaseSeconds * 1000,
      grantedAt: granted.grantedAt,
      remainingMs: granted.remainingMs,
      renew: () => repository.renew(this.operation.id, this.token, leaseSeconds),
    });
    this.ended = this.execute();
  }

  /** The operation as this run knows it. */
  get current(): Operation {
    return this.operation;
  }

  /** Stops the work and gives the operation to whoever asks next. */
  handOver(): void {
    this.keeper.stop('shutdown');
  }

  private async execute(): Promise<Operation | null> {
    try {
      const ended = await this.attempt();
      if (ended) this.operation = ended;
      return ended;
    } catch (error) {
      await this.letGo(error);
      return null;
    } finally {
      this.keeper.close();
      this.tools.feed.announce(this.operation.id);
    }
  }

  private async attempt(): Promise<Operation | null> {
    try {
      const end = await this.runSteps();
      return await this.write(() => (end ? this.abandon(end) : this.succeed()));
    } catch (error) {
      const stopped = this.keeper.stopReason;
      if (stopped === 'deadline') return this.timeOut();
      if (stopped || error instanceof OperationStopped) throw error;
      return this.settleFailure(error);
    }
  }

  /** Goes on from the recorded step. Returns how the operation shall end when it is not to succeed. */
  private async runSteps(): Promise<BadEnd | null> {
    const { steps } = this.handler;
    const { attempts, maxAttempts, error } = this.operation;
    if (attempts > maxAttempts) return { state: 'failed', error: error ?? INTERRUPTED };
    const start = Math.max(
      0,
      steps.findIndex((step) => step.name === this.operation.step),
    );
    for (const [index, step] of steps.entries()) {
      if (index < start || step.isNeeded?.(this.operation) === false) continue;
      if (step.name !== this.operation.step)
        await this.record(step.name, Math.floor((100 * index) / steps.length));
      if (this.operation.cancelRequested) return { state: 'cancelled', error: CANCELLED };
      await this.perform(step);
    }
    return null;
  }

  private async record(step: string, progress: number): Promise<void> {
    const { repository, feed } = this.tools;
    const recorded = await this.write(() =>
      repository.recordStep(this.operation.id, this.token, { step, progress }),
    );
    if (!recorded) throw new OperationStopped('lease-lost');
    this.operation = recorded;
    feed.announce(recorded.id);
  }

  private async perform(step: OperationStep): Promise<void> {
    const { observer, logger } = this.tools;
    const { operation } = this;
    this.keeper.signal.throwIfAborted();
    logger.debug(`Step ${step.name} started`, { operationId: operation.id });
    await observer?.stepStarted(operation, step.name);
    await this.untilStopped(this.runStep(step));
    await observer?.stepFinished(operation, step.name);
    logger.debug(`Step ${step.name} finished`, { operationId: operation.id });
  }

  /** Once more when only its session ended: for many handlers a server that is away is the end. */
  private async runStep(step: OperationStep): Promise<void> {
    const context = { operation: this.operation, signal: this.keeper.signal };
    try {
      await step.run(context);
    } catch (error) {
      if (!isSessionLost(error) || this.keeper.signal.aborted) throw error;
      this.tools.logger.warn(`Step ${step.name} lost its session and is run again`, error, {
        operationId: this.operation.id,
      });
      await step.run(context);
    }
  }

  /**
   * A step that heeds no signal is left alone when the lease is lost or the process stops. At the deadline it is waited
   * for, since clearing up while it still works could miss what it makes.
   */
  private async untilStopped(work: Promise<void>): Promise<void> {
    const stopped = await Promise.race([work.then(() => null), this.keeper.stopped]);
    if (!stopped) return;
    const settled = work.catch(() => undefined);
    if (stopped.reason === 'deadline') await withinGrace(settled);
    throw stopped;
  }

  private succeed(): Promise<Operation> {
    return this.tools.ending.succeed(this.operation, this.token, this.handler);
  }

  private abandon(end: BadEnd): Promise<Operation> {
    return this.tools.ending.abandon(this.operation, this.token, this.handler, end);
  }

  private timeOut(): Promise<Operation> {
    const { id, kind, step } = this.operation;
    this.tools.logger.warn('The operation ran out of time', { operationId: id, kind, step });
    return this.write(() => this.abandon({ state: 'failed', error: TIMED_OUT }));
  }

  private async settleFailure(error: unknown): Promise<Operation | null> {
    const { attempts, maxAttempts, id, kind, step } = this.operation;
    const { whenUnavailable } = this.handler;
    const { remainingMs } = this.keeper;
    const delayMs = retryDelay({ error, attempts, maxAttempts, remainingMs, whenUnavailable });
    const reported = toOperationError(error);
    const outlook = delayMs === null ? 'failed' : `is tried again in ${delayMs} ms`;
    this.tools.logger[delayMs === null ? 'error' : 'warn'](`The operation ${outlook}`, error, {
      operationId: id,
      kind,
      step,
    });
    if (delayMs === null) return this.write(() => this.abandon({ state: 'failed', error: reported }));
    const postponed = await this.write(() =>
      this.tools.repository.postpone(id, this.token, { delayMs, error: reported }),
    );
    this.operation = postponed ?? this.operation;
    return null;
  }

  /** What the control database does not take because it is away is sent again as long as the lease holds. */
  private async write<T>(statement: () => Promise<T>): Promise<T> {
    for (;;) {
      if (!this.keeper.mayWrite) throw new OperationStopped('lease-lost');
      try {
        return await statement();
      } catch (error) {
        if (!isUnavailable(error) && sqlState(error) !== SQLSTATE.deadlockDetected) throw error;
      }
      await pause(WRITE_RETRY_MS);
    }
  }

  /** After this the lease's expiry, if nothing else, lets another worker go on. */
  private async letGo(error: unknown): Promise<void> {
    const { repository, logger } = this.tools;
    const { id, kind } = this.operation;
    const isQuiet = error instanceof OperationStopped || isUnavailable(error);
    if (!isQuiet)
      logger.error('The end of the operation could not be recorded', error, { operationId: id, kind });
    try {
      if (this.keeper.stopReason === 'shutdown') await repository.handOver(id, this.token);
      else if (!isQuiet)
        await repository.postpone(id, this.token, {
          delayMs: UNSETTLED_RETRY_MS,
          error: this.operation.error ?? toOperationError(error),
        });
    } catch {
      logger.debug('The lease could not be given back', { operationId: id });
    }
  }
}

async function withinGrace(work: Promise<unknown>): Promise<void> {
  const abort = new AbortController();
  await Promise.race([
    work,
    pause(STEP_GRACE_MS, undefined, { signal: abort.signal }).catch(() => undefined),
  ]);
  abort.abort();
}
