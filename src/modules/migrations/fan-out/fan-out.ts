import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { notFound } from '../../../kernel/errors.js';
import type { StepContext } from '../../../operations/operation.types.js';
import type { Migration } from '../migration.js';
import { FanOutTools } from './fan-out-tools.js';
import { MigrationRun } from './migration-run.js';
import { RunControl } from './run-context.js';

const COMING_PATIENCE_MS = 60_000;
const COMING_INTERVAL_MS = 250;

/** Goes with a migration over its tenants. Every method may run again: what a tenant has, its own ledger tells. */
@Injectable()
export class FanOut {
  constructor(private readonly tools: FanOutTools) {}

  /** The tenants that are pending. Returns early when the migration shall pause or is cancelled. */
  async run({ operation, signal }: StepContext): Promise<void> {
    const { migrations } = this.tools;
    const migration = await this.get(operation.subjectId);
    await migrations.start(migration.id);
    const control = new RunControl(signal);
    await MigrationRun.execute(this.tools, { migration, operation, signal, control });
    if (!control.pause) return;
    await migrations.request(this.tools.dataSource, migration.id, {
      wish: 'pause',
      error: control.pause.reason,
    });
  }

  /** The tenants that were made with an older version since the migration began. */
  async runLatecomers(context: StepContext): Promise<void> {
    await this.run(context);
    while (!(await this.isStopped(context)) && (await this.addLatecomers(context))) await this.run(context);
  }

  private async isStopped({ operation }: StepContext): Promise<boolean> {
    const { requested, id } = await this.get(operation.subjectId);
    const { pending } = await this.tools.tenants.totals(id);
    return requested !== null || pending > 0;
  }

  /** One that is just being made is waited for; if that lasts, it stands in the results as skipped. */
  private async addLatecomers({ operation, signal }: StepContext): Promise<boolean> {
    const { tenants } = this.tools;
    const migration = await this.get(operation.subjectId);
    const giveUpAt = performance.now() + COMING_PATIENCE_MS;
    while ((await tenants.countComing(migration)) > 0 && performance.now() < giveUpAt) {
      await pause(COMING_INTERVAL_MS, undefined, { signal });
      if (await this.isStopped({ operation, signal })) return false;
    }
    return (await tenants.addLatecomers(migration)) > 0;
  }

  private async get(id: string | null): Promise<Migration> {
    const migration = id && (await this.tools.migrations.find(id));
    if (!migration) throw notFound('migration', id ?? '');
    return migration;
  }
}
