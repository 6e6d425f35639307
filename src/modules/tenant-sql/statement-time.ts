import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';

/** How much later than PostgreSQL itself the statement is ended from outside. */
const GRACE_MS = 2_000;

/**
 * How long a statement may run. PostgreSQL's `statement_timeout` ends it first; since a function may catch that, the
 * time is kept here too. The client's leaving ends it as well.
 */
export class StatementTime {
  private readonly stop = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly startedAt = performance.now();
  private readonly leave = () => this.stop.abort(clientLeft());

  constructor(
    readonly timeoutMs: number,
    private readonly gone: AbortSignal,
  ) {
    this.timer = setTimeout(() => this.stop.abort(timedOut(timeoutMs)), timeoutMs + GRACE_MS);
    gone.addEventListener('abort', this.leave, { once: true });
    if (gone.aborted) this.leave();
  }

  /** Aborts with the error to answer. */
  get signal(): AbortSignal {
    return this.stop.signal;
  }

  get elapsedMs(): number {
    return Math.round(performance.now() - this.startedAt);
  }

  /** What the failure of the statement means, seen from its time. */
  explain(error: unknown): unknown {
    const isCancelled = error instanceof RowhouseError && sqlState(error.cause) === SQLSTATE.queryCanceled;
    return isCancelled && this.elapsedMs >= this.timeoutMs ? timedOut(this.timeoutMs) : error;
  }

  end(): void {
    clearTimeout(this.timer);
    this.gone.removeEventListener('abort', this.leave);
  }
}

function timedOut(timeoutMs: number): RowhouseError {
  return new RowhouseError(
    'STATEMENT_TIMED_OUT',
    `The statement did not end within ${timeoutMs} ms, so it was stopped. Nothing of it was kept.`,
  );
}

function clientLeft(): RowhouseError {
  return new RowhouseError('OPERATION_CANCELLED', 'The client left before the statement had ended.');
}
