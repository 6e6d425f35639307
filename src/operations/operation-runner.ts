import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { ChangeFeed } from './change-feed.js';
import { OperationRepository } from './operation.repository.js';
import { OperationEnding } from './operation-ending.js';
import { OperationHandlers } from './operation-handlers.js';
import { OperationObserver } from './operation-observer.js';
import { type GrantedOperation, OperationRun, type RunTools } from './operation-run.js';

const SHUTDOWN_GRACE_MS = 10_000;
const HAND_OVER_MS = 2_000;

/** Runs the operations whose lease this process holds. */
@Injectable()
export class OperationRunner implements BeforeApplicationShutdown {
  private readonly runs = new Set<OperationRun>();
  private readonly tools: RunTools;
  private isStopped = false;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly handlers: OperationHandlers,
    repository: OperationRepository,
    ending: OperationEnding,
    feed: ChangeFeed,
    @Optional() @Inject(OperationObserver) observer: OperationObserver | null,
  ) {
    const logger = new Logger('Operations');
    const { leaseSeconds } = config.operations;
    this.tools = { repository, ending, feed, observer, logger, leaseSeconds };
  }

  start(granted: GrantedOperation): OperationRun {
    const run = new OperationRun(granted, this.handlers.get(granted.operation.kind), this.tools);
    this.runs.add(run);
    void run.ended.then(() => this.runs.delete(run));
    if (this.isStopped) run.handOver();
    return run;
  }

  /** Operations under way may end by themselves for a while; another process goes on with the rest. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.idleWithin(SHUTDOWN_GRACE_MS);
    this.handOverAll();
    await this.idleWithin(HAND_OVER_MS);
  }

  private async idleWithin(ms: number): Promise<void> {
    const abort = new AbortController();
    const timeUp = pause(ms, undefined, { signal: abort.signal }).catch(() => undefined);
    await Promise.race([this.idle(), timeUp]);
    abort.abort();
  }

  private async idle(): Promise<void> {
    while (this.runs.size > 0) await Promise.all([...this.runs].map((run) => run.ended));
  }

  private handOverAll(): void {
    this.isStopped = true;
    for (const run of this.runs) run.handOver();
  }
}
