/** Why the work on an operation must stop before its end. */
export type StopReason = 'lease-lost' | 'deadline' | 'shutdown';

export class OperationStopped extends Error {
  constructor(readonly reason: StopReason) {
    super(`the operation was stopped: ${reason}`);
    this.name = 'OperationStopped';
  }
}

export interface LeaseOptions {
  readonly leaseMs: number;
  /** When the lease was asked for, by `performance.now()`: it began no earlier. */
  readonly grantedAt: number;
  /** Until the operation's deadline. */
  readonly remainingMs: number;
  /** Renews the lease in the control database; false when it belongs to somebody else. */
  readonly renew: () => Promise<boolean>;
}

/** The longest delay that setTimeout can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Renews the lease of one operation at a third of it. Time is measured from before each renewal was sent, so that this
 * process believes the lease lost before another one may take it.
 */
export class LeaseKeeper {
  private readonly controller = new AbortController();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly deadline: NodeJS.Timeout;
  private readonly deadlineAt: number;
  private expiry: NodeJS.Timeout;
  private expiresAt: number;
  private closed = false;
  private resolveStopped: (stopped: OperationStopped) => void = () => undefined;

  /** Resolves when the work must stop; never, if it ends by itself. */
  readonly stopped = new Promise<OperationStopped>((resolve) => {
    this.resolveStopped = resolve;
  });

  constructor(private readonly options: LeaseOptions) {
    const { leaseMs, grantedAt, remainingMs } = options;
    this.expiresAt = grantedAt + leaseMs;
    this.deadlineAt = grantedAt + remainingMs;
    this.heartbeat = setInterval(() => void this.renew(), leaseMs / 3);
    this.expiry = this.expireLater();
    this.deadline = setTimeout(() => this.stop('deadline'), Math.min(remainingMs, MAX_TIMER_MS));
    if (remainingMs <= 0) this.stop('deadline');
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Null while the work may go on. */
  get stopReason(): StopReason | null {
    return this.signal.aborted ? (this.signal.reason as OperationStopped).reason : null;
  }

  /** Whether the result of the work may still be written down. */
  get mayWrite(): boolean {
    return (
      performance.now() < this.expiresAt && this.stopReason !== 'lease-lost' && this.stopReason !== 'shutdown'
    );
  }

  get remainingMs(): number {
    return this.deadlineAt - performance.now();
  }

  stop(reason: StopReason): void {
    if (this.signal.aborted) return;
    const stopped = new OperationStopped(reason);
    this.controller.abort(stopped);
    this.resolveStopped(stopped);
  }

  /** Ends the renewals, not the lease. */
  close(): void {
    this.closed = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.expiry);
    clearTimeout(this.deadline);
  }

  private async renew(): Promise<void> {
    const sentAt = performance.now();
    try {
      const renewed = await this.options.renew();
      if (this.closed) return;
      if (!renewed) return this.stop('lease-lost');
      this.expiresAt = sentAt + this.options.leaseMs;
      clearTimeout(this.expiry);
      this.expiry = this.expireLater();
    } catch {
      // The control database is away: the next heartbeat tries again, and the lease runs out if none gets through.
    }
  }

  private expireLater(): NodeJS.Timeout {
    return setTimeout(() => this.stop('lease-lost'), this.expiresAt - performance.now());
  }
}
