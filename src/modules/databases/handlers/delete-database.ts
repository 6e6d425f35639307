import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

/** Closes both doors first, then removes shadow, database and roles, and at last the row. */
export function deleteDatabase(tools: HandlerTools): OperationHandler {
  const { repository, provisioner, aliases, hosting } = tools;
  return {
    kind: 'database.delete',
    maxAttempts: 1_000,
    deadlineSeconds: 7 * 86_400,
    whenUnavailable: 'retry',
    steps: [
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
      await tools.move(tx, operation, 'failed');
    },
  };
}
