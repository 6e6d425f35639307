import type { EntityManager } from 'typeorm';
import type { Operation, OperationError, OperationHandler } from '../../../operations/operation.types.js';
import type { MigrationError, MigrationTotals } from '../migration.js';
import type { MigrationState } from '../migration-state.js';
import type { MigrationHandlerTools } from './handler-tools.js';

/** A server that is away is waited for, and each process that takes the run over begins an attempt. */
const MAX_ATTEMPTS = 10_000;
const DEADLINE_SECONDS = 30 * 86_400;

/**
 * One run of a migration: until all tenants are through, or it pauses or is cancelled. The operation succeeds whenever
 * the run ends by itself; what became of the migration stands in its result.
 */
export function runMigration(tools: MigrationHandlerTools): OperationHandler {
  return {
    kind: 'migration.run',
    maxAttempts: MAX_ATTEMPTS,
    deadlineSeconds: DEADLINE_SECONDS,
    whenUnavailable: 'retry',
    lane: 'long',
    steps: [
      { name: 'tenants', run: (context) => tools.fanOut.run(context) },
      { name: 'latecomers', run: (context) => tools.fanOut.runLatecomers(context) },
    ],
    succeed: (tx, operation) => settle(tools, tx, operation),
    fail: (tx, operation, error) => giveUp(tools, tx, { operation, error }),
  };
}

async function settle(
  { migrations, tenants }: MigrationHandlerTools,
  tx: EntityManager,
  { subjectId }: Operation,
): Promise<Record<string, unknown> | null> {
  const migration = subjectId && (await migrations.findLocked(tx, subjectId));
  if (!migration) return null;
  const totals = await tenants.totals(migration.id, tx);
  const to = endOf(totals, migration.requested);
  const error = to === 'paused' ? migration.error : to === 'failed' ? summary(totals) : null;
  await migrations.move(tx, migration.id, { to, error });
  const { succeeded, failed, skipped, pending } = totals;
  return { state: to, succeeded, failed, skipped, pending };
}

/** A cancel that comes when all are through finds nothing to cancel. */
function endOf({ pending, failed }: MigrationTotals, requested: 'pause' | 'cancel' | null): MigrationState {
  if (pending > 0) return requested === 'cancel' ? 'cancelled' : 'paused';
  return failed > 0 ? 'failed' : 'succeeded';
}

function summary({ succeeded, failed, skipped }: MigrationTotals): MigrationError {
  const all = succeeded + failed + skipped;
  return {
    code: 'TENANTS_FAILED',
    message: `${failed} of ${all} tenants failed. Mend them, then \`retry-failed\`.`,
  };
}

/** The operation was cancelled, or ended without its run: then the migration can be resumed. */
async function giveUp(
  { migrations }: MigrationHandlerTools,
  tx: EntityManager,
  { operation: { subjectId }, error }: { operation: Operation; error: OperationError },
): Promise<void> {
  if (!subjectId) return;
  const to = error.code === 'OPERATION_CANCELLED' ? 'cancelled' : 'paused';
  await migrations.move(tx, subjectId, { to, error: to === 'paused' ? error : null });
}
