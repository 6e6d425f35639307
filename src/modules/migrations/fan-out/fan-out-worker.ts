import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable } from '../../../infra/postgres/sqlstate.js';
import { VersionFailed } from '../../../provisioning/tenancy/versions/version-failure.js';
import type { TenantResult } from '../migration.js';
import type { HostSession } from './host-session.js';
import { isWorthRetrying, retryDelay } from './retry-policy.js';
import type { RunContext, Versions } from './run-context.js';
import type { TenantMigrator } from './tenant-migrator.js';
import { toProblem } from './tenant-problem.js';
import type { QueuedTenant, TenantQueue } from './tenant-queue.js';

const IDLE_MS = 5;
/** One wait for the disk for all tenants within it, instead of one for each. */
const FLUSH_INTERVAL_MS = 50;

interface FinishedTenant {
  readonly tenant: QueuedTenant;
  readonly durationMs: number;
}

export interface FanOutOrder {
  readonly context: RunContext;
  readonly versions: Versions;
  readonly queue: TenantQueue;
  readonly migrator: TenantMigrator;
  /** Told of each tenant that is through. */
  readonly report: (tenant: QueuedTenant, result: TenantResult) => void;
}

/** Takes one tenant after the other, in one session as long as it stays in one database. */
export class FanOutWorker {
  private session: HostSession | null = null;
  /** The database that it counts for in the queue. */
  private place: string | null = null;
  /** Tenants that a crash of the server could still take back. */
  private unflushed: FinishedTenant[] = [];
  private flushedAt = 0;

  constructor(private readonly order: FanOutOrder) {}

  async work(): Promise<void> {
    const { queue, context } = this.order;
    try {
      while (!queue.isDone && !context.control.isStopped) {
        const tenant = queue.take(this.place);
        if (tenant?.home.databaseName !== this.place || this.isFlushDue) await this.flush();
        if (tenant) await this.serve(tenant);
        else if (!queue.isDone) await pause(IDLE_MS);
      }
      await this.flush();
    } finally {
      await this.leaveSession();
      if (this.place !== null) queue.leave(this.place);
    }
  }

  private async serve(tenant: QueuedTenant): Promise<void> {
    const startedAt = performance.now();
    tenant.attempts += 1;
    try {
      await this.migrate(tenant);
      this.unflushed.push({ tenant, durationMs: since(startedAt) });
    } catch (error) {
      this.order.context.signal.throwIfAborted();
      await this.settleFailure(tenant, error, startedAt);
    }
  }

  private async migrate(tenant: QueuedTenant): Promise<void> {
    const { migrator, context, versions } = this.order;
    const { databaseName } = tenant.home;
    if (this.place !== databaseName) await this.leaveSession();
    this.place = databaseName;
    this.session ??= await migrator.open(tenant.home);
    await migrator.migrate(this.session, tenant, { context, versions });
  }

  private get isFlushDue(): boolean {
    return since(this.flushedAt) >= FLUSH_INTERVAL_MS;
  }

  /** Reports who is through, once that can be relied on. */
  private async flush(): Promise<void> {
    const { session, unflushed } = this;
    const [first] = unflushed;
    if (!session || !first) return;
    try {
      await this.order.migrator.flush(session);
    } catch (error) {
      this.loseSession();
      if (isUnavailable(error)) await this.order.migrator.assertServerAnswers(first.tenant.home);
      return;
    }
    this.flushedAt = performance.now();
    this.unflushed = [];
    for (const { tenant, durationMs } of unflushed)
      this.report(tenant, { state: 'succeeded', error: null, durationMs });
  }

  private async settleFailure(tenant: QueuedTenant, error: unknown, startedAt: number): Promise<void> {
    const { migrator, queue, context, versions } = this.order;
    const durationMs = since(startedAt);
    if (!(error instanceof VersionFailed)) this.loseSession();
    if (isUnavailable(error)) await migrator.assertServerAnswers(tenant.home);
    if (isWorthRetrying(error) && tenant.attempts < context.migration.strategy.maxAttempts) {
      return queue.postpone(tenant, retryDelay(tenant.attempts));
    }
    if (await migrator.isGone(tenant.home))
      return this.report(tenant, { state: 'skipped', error: null, durationMs });
    const next = versions.find(({ number }) => number > tenant.version);
    const problem = toProblem(error, next?.number ?? context.migration.version);
    this.report(tenant, { state: 'failed', error: problem, durationMs });
  }

  private report(tenant: QueuedTenant, outcome: Pick<TenantResult, 'state' | 'error' | 'durationMs'>): void {
    const { home, version, attempts } = tenant;
    this.order.report(tenant, { tenantId: home.id, version, attempts, ...outcome });
    this.order.queue.settle();
  }

  private async leaveSession(): Promise<void> {
    const { session } = this;
    this.session = null;
    await session?.leave();
  }

  /** Its ledger tells of each tenant, when it comes again, whether its version is still there. */
  private loseSession(): void {
    this.session?.close();
    this.session = null;
    const { unflushed } = this;
    this.unflushed = [];
    for (const { tenant } of unflushed) {
      tenant.version = tenant.home.templateVersion;
      this.order.queue.postpone(tenant, retryDelay(tenant.attempts));
    }
  }
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
