import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable, SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { Coalescer } from '../../../provisioning/coalescer.js';
import type { TenantResult } from '../migration.js';

const BATCH_SIZE = 250;
const INTERVAL_MS = 100;
const RETRY_MS = 250;

/** Writes results down in batches, so that the workers never wait for the control database. */
export class ResultRecorder {
  private results: TenantResult[] = [];
  private readonly flushes = new Coalescer(() => this.flush());
  private readonly timer = setInterval(() => this.flushSoon(), INTERVAL_MS);

  constructor(
    private readonly write: (results: readonly TenantResult[]) => Promise<void>,
    private readonly signal: AbortSignal,
    /** Told of an error that writing again would not cure. */
    private readonly onFailure: (error: unknown) => void,
  ) {}

  add(result: TenantResult): void {
    this.results.push(result);
    if (this.results.length >= BATCH_SIZE) this.flushSoon();
  }

  /** Resolves when everything added so far is written, or cannot be. */
  async settle(): Promise<void> {
    await this.flushes.run().catch(this.onFailure);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.settle();
  }

  private flushSoon(): void {
    if (this.results.length > 0) void this.settle();
  }

  /** What the control database does not take because it is away waits here as long as the lease holds. */
  private async flush(): Promise<void> {
    const batch = this.results;
    this.results = [];
    while (batch.length > 0 && !this.signal.aborted) {
      try {
        return await this.write(batch);
      } catch (error) {
        if (!isUnavailable(error) && sqlState(error) !== SQLSTATE.deadlockDetected) throw error;
      }
      await pause(RETRY_MS);
    }
  }
}
