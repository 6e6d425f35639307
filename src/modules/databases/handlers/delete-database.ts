import type { Operation, OperationHandler } from '../../../operations/operation.types.js';
import type { DatabaseStatus } from '../database-status.js';
import type { HandlerTools } from './handler-tools.js';

const OWNERSHIP = 'ownership';

/** Looks whether all of it is ours, closes both doors, removes shadow, database and roles, and at last the row. */
export function deleteDatabase(tools: HandlerTools): OperationHandler {
  const { repository, provisioner, aliases, hosting } = tools;
  return {
    kind: 'database.delete',
    lane: 'dropping',
    maxAttempts: 1_000,
    deadlineSeconds: 7 * 86_400,
    whenUnavailable: 'retry',
    steps: [
      tools.step(OWNERSHIP, ({ home, server }) => provisioner.assertOwned(server, home)),
      tools.step('logins', ({ home, server }) => provisioner.disableLogin(server, home)),
      tools.step('pooler', ({ server }) => aliases.sync(server)),
      tools.step('shadow', async ({ database, home, server }) => {
        await provisioner.dropShadow(server, home);
        await repository.record(database.id, { shadowDatabaseOid: null, shadowCreatedAt: null });
      }),
      tools.step('database', async ({ home, server }) => {
        await hosting.close(server, home.databaseName);
        await provisioner.dropDatabase(server, home);
      }),
      tools.step('role', async ({ home, server }) => {
        await hosting.dropRoles(server, home.databaseName);
        await provisioner.dropFurtherLogins(server, home);
        await provisioner.dropRole(server, home);
      }),
    ],
    succeed: async (tx, { subjectId }) => {
      if (subjectId) await repository.delete(tx, subjectId);
      return null;
    },
    fail: async (tx, operation) => {
      await tools.move(tx, operation, statusAfter(operation));
    },
  };
}

/** A deletion that was refused by its first look, or cancelled before it, has changed nothing. */
function statusAfter({ step, input }: Operation): DatabaseStatus {
  const former = input['former'] as DatabaseStatus | undefined;
  return former && (step === null || step === OWNERSHIP) ? former : 'failed';
}
