import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { describeProblem } from '../../../provisioning/tenancy/versions/version-failure.js';
import { MIGRATED_STATUSES, type PendingTenant, type TenantResult } from '../migration.js';
import { FailureBudget } from './failure-budget.js';
import type { FanOutTools } from './fan-out-tools.js';
import { FanOutWorker } from './fan-out-worker.js';
import { PoolerRefresh } from './pooler-refresh.js';
import { ResultRecorder } from './result-recorder.js';
import type { RunContext } from './run-context.js';
import { type QueuedTenant, TenantQueue } from './tenant-queue.js';

/** How many tenants are read at a time; more than the canary has. */
const CHUNK = 2_000;
const LOOK_MS = 250;

/** One run of a migration, by one process: from the first tenant that is pending to the last, or to a stop. */
export class MigrationRun {
  private readonly recorder: ResultRecorder;
  private readonly pooler: PoolerRefresh;

  private constructor(
    private readonly tools: FanOutTools,
    private readonly context: RunContext,
    private readonly budget: FailureBudget,
  ) {
    this.pooler = new PoolerRefresh(tools.aliases);
    const { signal, control } = context;
    this.recorder = new ResultRecorder(
      (results) => this.write(results),
      signal,
      (error) => control.abort(error),
    );
  }

  /** Returns when nothing is pending or it has to stop. Throws what concerns no single tenant. */
  static async execute(tools: FanOutTools, context: RunContext): Promise<void> {
    const { migration, operation, control } = context;
    const failed = await tools.tenants.countFailedSince(migration.id, operation.createdAt);
    const run = new MigrationRun(tools, context, new FailureBudget(migration.strategy, failed));
    const looks = setInterval(() => {
      run.pooler.start();
      void run.look();
    }, LOOK_MS);
    try {
      await run.goThrough();
    } finally {
      clearInterval(looks);
      await run.recorder.close();
      run.pooler.start();
      await run.pooler.idle();
    }
    control.throwIfAborted();
  }

  private async goThrough(): Promise<void> {
    const { control, migration } = this.context;
    await this.look();
    while (!control.isStopped) {
      const pending = await this.tools.tenants.next(migration.id, CHUNK);
      const [first] = pending;
      if (!first) return;
      if (this.isCanaryThrough(first)) return control.rest(null);
      await this.goThroughRing(pending);
      await this.recorder.settle();
    }
  }

  /** Whether it shall pause before this tenant. Who resumes it says in the operation that the canary was looked at. */
  private isCanaryThrough({ ring }: PendingTenant): boolean {
    const { migration, operation } = this.context;
    return migration.strategy.pauseAfterCanary && ring > 0 && operation.input['isPastCanary'] !== true;
  }

  private async goThroughRing(pending: readonly PendingTenant[]): Promise<void> {
    const { context, tools } = this;
    const { strategy, templateId, version: last } = context.migration;
    const tenants = await this.prepare(pending);
    if (tenants.length === 0) return;
    const first = Math.min(...tenants.map(({ version }) => version)) + 1;
    const versions = await tools.templates.versions(templateId, { first, last });
    const queue = new TenantQueue(tenants);
    const changed = ({ home }: QueuedTenant) => this.pooler.note(tools.migrator.serverOf(home), home);
    const report = (tenant: QueuedTenant, result: TenantResult) => this.note(tenant, result);
    const order = { context, versions, queue, migrator: tools.migrator, changed, report };
    const workers = Array.from({ length: Math.min(strategy.connections, tenants.length) }, () =>
      new FanOutWorker(order).work().catch((error: unknown) => context.control.abort(error)),
    );
    await Promise.all(workers);
  }

  /** Those that need it; whoever was deleted or got the version meanwhile is through at once. */
  private async prepare(pending: readonly PendingTenant[]): Promise<QueuedTenant[]> {
    const homes = await this.tools.directory.list({ ids: pending.map(({ tenantId }) => tenantId) });
    const known = new Map(homes.map((home) => [home.id, home]));
    return pending.flatMap(({ tenantId, ring }) => {
      const home = known.get(tenantId);
      if (home && this.isDue(home)) return [{ home, ring, version: home.templateVersion, attempts: 0 }];
      this.recorder.add(this.settled(tenantId, home));
      return [];
    });
  }

  private isDue({ status, templateVersion }: TenantHome): boolean {
    const isLive = MIGRATED_STATUSES.some((migrated) => migrated === status);
    return isLive && templateVersion < this.context.migration.version;
  }

  private settled(tenantId: string, home: TenantHome | undefined): TenantResult {
    const version = home?.templateVersion ?? 0;
    const state = version >= this.context.migration.version ? 'succeeded' : 'skipped';
    return { tenantId, state, version, attempts: 0, durationMs: 0, error: null };
  }

  private note({ home, ring }: QueuedTenant, result: TenantResult): void {
    const { control } = this.context;
    if (result.error) {
      const name = `${home.slug} (${home.schemaName})`;
      const problem = this.budget.fail({ name, ring }, describeProblem(result.error));
      if (problem) control.rest(problem);
    }
    this.recorder.add(result);
  }

  /** The tenants' rows come first, as in their deletion: the other way round the two could wait for each other. */
  private async write(results: readonly TenantResult[]): Promise<void> {
    const reached = results.map(({ tenantId, version }) => ({ id: tenantId, version }));
    const { migration, control } = this.context;
    await this.tools.dataSource.transaction(async (tx) => {
      await this.tools.directory.recordVersions(reached, tx);
      await this.tools.tenants.record(tx, migration.id, results);
      if (control.pause)
        await this.tools.migrations.request(tx, migration.id, {
          wish: 'pause',
          error: control.pause.reason,
        });
    });
  }

  /** What was asked of it meanwhile, of the migration or of its operation. */
  private async look(): Promise<void> {
    const { migration, operation, control } = this.context;
    try {
      const requested = await this.tools.migrations.findRequested(migration.id);
      const current = await this.tools.operations.find(operation.id);
      if (requested !== null || current?.cancelRequested) control.stop();
    } catch {
      // The control database is away: the lease runs out if that lasts.
    }
  }
}
