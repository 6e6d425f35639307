import { Logger } from '@nestjs/common';
import { type IdempotencyStore, type IdempotentRequest, LEASE_MS } from './idempotency.store.js';

const RENEW_MS = LEASE_MS / 3;
const RELEASE_AGAIN_MS = 500;

/**
 * A key in the hands of a request that runs: its short lock is renewed meanwhile, so that the key of a process that died
 * is free again within seconds.
 */
export class IdempotencyLease {
  private static readonly logger = new Logger('Idempotency');
  private readonly heartbeat: NodeJS.Timeout;
  private renewedAt = performance.now();

  constructor(
    private readonly store: IdempotencyStore,
    private readonly request: IdempotentRequest,
    readonly holder: string,
    private readonly leaseMs: number,
  ) {
    this.heartbeat = setInterval(() => void this.renew(), RENEW_MS);
    this.heartbeat.unref();
  }

  /** Ends the renewals, not the lock. */
  close(): void {
    clearInterval(this.heartbeat);
  }

  /** Frees the key, or tries again until the lock ends by itself. The client need not wait for that. */
  async release(): Promise<void> {
    this.close();
    try {
      await this.store.release(this.request, this.holder);
    } catch (error) {
      IdempotencyLease.logger.warn('An Idempotency-Key could not be released; it is tried again', error);
      this.releaseLater();
    }
  }

  private releaseLater(): void {
    if (performance.now() - this.renewedAt > this.leaseMs) return;
    setTimeout(
      () => void this.store.release(this.request, this.holder).catch(() => this.releaseLater()),
      RELEASE_AGAIN_MS,
    ).unref();
  }

  /** While the control database is away, the next beat tries again. */
  private async renew(): Promise<void> {
    const sentAt = performance.now();
    await this.store.renew(this.request, this.holder, this.leaseMs).then(
      () => {
        this.renewedAt = sentAt;
      },
      () => undefined,
    );
  }
}
