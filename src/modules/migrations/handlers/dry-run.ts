import type { OperationHandler } from '../../../operations/operation.types.js';
import { describeProblem } from '../../../provisioning/tenancy/versions/version-failure.js';
import type { Migration, MigrationError } from '../migration.js';
import type { MigrationState } from '../migration-state.js';
import type { MigrationHandlerTools } from './handler-tools.js';

const MAX_ATTEMPTS = 5;
const DEADLINE_SECONDS = 3_600;

/** Tries a migration in the scratch database. */
export function dryRunMigration(tools: MigrationHandlerTools): OperationHandler {
  const { migrations, dryRun } = tools;
  return {
    kind: 'migration.dry_run',
    maxAttempts: MAX_ATTEMPTS,
    deadlineSeconds: DEADLINE_SECONDS,
    whenUnavailable: 'retry',
    lane: 'long',
    steps: [{ name: 'scratch', run: (context) => dryRun.run(context) }],
    succeed: async (tx, { subjectId }) => {
      const migration = subjectId && (await migrations.findLocked(tx, subjectId));
      if (!migration) return null;
      const { to, error } = endOf(migration);
      await migrations.move(tx, migration.id, { to, error });
      return { state: to };
    },
    fail: async (tx, { subjectId }, error) => {
      const to = error.code === 'OPERATION_CANCELLED' ? 'cancelled' : 'failed';
      if (subjectId) await migrations.move(tx, subjectId, { to, error });
    },
  };
}

function endOf({ requested, report }: Migration): { to: MigrationState; error: MigrationError | null } {
  if (requested === 'cancel') return { to: 'cancelled', error: null };
  const problem = report?.find(({ error }) => error !== null)?.error;
  if (!problem) return { to: 'succeeded', error: null };
  return { to: 'failed', error: { code: 'DRY_RUN_FAILED', message: describeProblem(problem) } };
}
