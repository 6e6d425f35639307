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
/** Tenants of one database that are through within it share one wait for the disk, which comes before the next tenant. */
const FLUSH_INTERVAL_MS = 50;

type Outcome = Pick<TenantResult, 'state' | 'error' | 'durationMs'>;

interface FinishedTenant {
  readonly tenant: QueuedTenant;
  readonly outcome: Outcome;
}

export interface FanOutOrder {
  readonly context: RunContext;
  readonly versions: Versions;
  readonly queue: TenantQueue;
  readonly migrator: Pick<TenantMigrator, 'open' | 'migrate' | 'flush' | 'assertServerAnswers' | 'isGone'>;
  /** Told of each tenant whose tables have changed, at once. */
  readonly changed: (tenant: QueuedTenant) => void;
  /** Told of each tenant that is through, once a crash of its server cannot take that back. */
  readonly report: (tenant: QueuedTenant, result: TenantResult) => void;
}

/** Takes one tenant after the other, in one session as long as it stays in one database. */
export class FanOutWorker {
  private session: HostSession | null = null;
  /** The database that it counts for in the queue. */
  private place: string | null = null;
  /** Tenants that are through, though perhaps not on disk, since the last flush. */
  private finished: FinishedTenant[] = [];
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
      this.finish(tenant, { state: 'succeeded', error: null, durationMs: since(startedAt) });
    } catch (error) {
      this.order.context.signal.throwIfAborted();
      await this.settleFailure(tenant, error, startedAt);
    }
  }

  private async migrate(tenant: QueuedTenant): Promise<void> {
    const { migrator, context, versions, changed } = this.order;
    const { databaseName, templateVersion } = tenant.home;
    if (this.place !== databaseName) await this.leaveSession();
    this.place = databaseName;
    this.session ??= await migrator.open(tenant.home, context.migration.version);
    try {
      await migrator.migrate(this.session, tenant, { context, versions });
    } finally {
      if (tenant.version > templateVersion) changed(tenant);
    }
  }

  private async settleFailure(tenant: QueuedTenant, error: unknown, startedAt: number): Promise<void> {
    const { migrator, context, versions } = this.order;
    const durationMs = since(startedAt);
    const failed = versions.find(({ number }) => number > tenant.version)?.number;
    if (!(error instanceof VersionFailed)) this.loseSession(tenant);
    if (isUnavailable(error)) await migrator.assertServerAnswers(tenant.home);
    if (isWorthRetrying(error) && tenant.attempts < context.migration.strategy.maxAttempts)
      return this.postpone(tenant);
    const isGone = await migrator.isGone(tenant.home);
    const problem = isGone ? null : toProblem(error, failed ?? context.migration.version);
    this.finish(tenant, { state: isGone ? 'skipped' : 'failed', error: problem, durationMs });
    await this.flush();
  }

  private get isFlushDue(): boolean {
    return since(this.flushedAt) >= FLUSH_INTERVAL_MS;
  }

  private finish(tenant: QueuedTenant, outcome: Outcome): void {
    this.finished.push({ tenant, outcome });
  }

  /** Reports who is through. */
  private async flush(): Promise<void> {
    const [first] = this.finished;
    if (!first || !(await this.isOnDisk(first.tenant))) return;
    const { finished } = this;
    this.finished = [];
    for (const { tenant, outcome } of finished) this.report(tenant, outcome);
  }

  /** Whether all that the session has committed outlives a crash now; if not, its tenants come again. */
  private async isOnDisk({ home }: QueuedTenant): Promise<boolean> {
    const { session } = this;
    if (!session) return true;
    try {
      await this.order.migrator.flush(session);
      this.flushedAt = performance.now();
      return true;
    } catch (error) {
      this.loseSession();
      if (!isUnavailable(error)) throw error;
      await this.order.migrator.assertServerAnswers(home);
      return false;
    }
  }

  private report(tenant: QueuedTenant, outcome: Outcome): void {
    const { home, version, attempts } = tenant;
    this.order.report(tenant, { tenantId: home.id, version, attempts, ...outcome });
    this.order.queue.settle();
  }

  private async leaveSession(): Promise<void> {
    const { session } = this;
    this.session = null;
    await session?.leave();
  }

  /** Ends it. Which of its commits have outlived that, the ledger tells when their tenants come again. */
  private loseSession(current?: QueuedTenant): void {
    this.session?.close();
    this.session = null;
    if (current) forgetProgress(current);
    const { finished } = this;
    this.finished = [];
    for (const { tenant } of finished) {
      tenant.attempts -= 1;
      this.postpone(tenant);
    }
  }

  private postpone(tenant: QueuedTenant): void {
    forgetProgress(tenant);
    this.order.queue.postpone(tenant, retryDelay(tenant.attempts));
  }
}

/** Back to what is recorded of it. */
function forgetProgress(tenant: QueuedTenant): void {
  tenant.version = tenant.home.templateVersion;
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
