import { Injectable } from '@nestjs/common';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { ChangeFeed } from './change-feed.js';
import { OperationRepository } from './operation.repository.js';
import type { Operation } from './operation.types.js';
import { hasEnded } from './operation-state.js';

const POLL_MS = 500;

/** Follows operations, also those that another process runs. */
@Injectable()
export class OperationWatcher {
  constructor(
    private readonly repository: OperationRepository,
    private readonly feed: ChangeFeed,
  ) {}

  /** Yields the operation as it is and after each change, until it ends, the signal aborts or the process stops. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<Operation, void, undefined> {
    const changes = this.feed.subscribe(id);
    const leave = () => changes.close();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    let last: Operation | null = null;
    try {
      while (!changes.closed) {
        const operation = await this.findIfPossible(id);
        if (operation && isNews(last, operation)) yield operation;
        if (operation && hasEnded(operation)) return;
        last = operation ?? last;
        await changes.next(POLL_MS);
      }
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  /** The operation when it has ended or the time is over; null when it could not be read in that time. */
  async waitForEnd(id: string, waitMs: number): Promise<Operation | null> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), waitMs);
    let last: Operation | null = null;
    try {
      for await (const operation of this.watch(id, abort.signal)) last = operation;
    } finally {
      clearTimeout(timer);
    }
    return last;
  }

  private async findIfPossible(id: string): Promise<Operation | null> {
    try {
      return await this.repository.find(id);
    } catch (error) {
      if (isUnavailable(error)) return null;
      throw error;
    }
  }
}

function isNews(last: Operation | null, now: Operation): boolean {
  if (!last) return true;
  const facts = (o: Operation) => [o.state, o.step, o.progress, o.attempts, o.cancelRequested].join();
  return facts(last) !== facts(now);
}
