import { systemContext } from '../../../http/request-context.js';
import { RowhouseError } from '../../../kernel/errors.js';
import type { Operation, OperationHandler, OperationStep } from '../../../operations/operation.types.js';
import { OPERATION_ENDED } from './own-database-tenant.js';
import type { TenantTools } from './tenant-tools.js';

const DATABASE_PATIENCE_MS = 10_000;

/** Closes every door first, then removes schema and role, or the database, and at last the row. */
export function deleteTenant(tools: TenantTools): OperationHandler {
  const { repository, schemas, aliases } = tools;
  const forSchema = (step: OperationStep): OperationStep => ({
    ...step,
    run: async (context) => {
      const { isolation } = await tools.get(context.operation);
      if (isolation === 'schema') await step.run(context);
    },
  });
  return {
    kind: 'tenant.delete',
    maxAttempts: 1_000,
    deadlineSeconds: 7 * 86_400,
    whenUnavailable: 'retry',
    steps: [
      forSchema(tools.step('logins', ({ tenant, server }) => schemas.disableLogin(server, tenant))),
      forSchema(tools.step('pooler', ({ server }) => aliases.sync(server))),
      forSchema(tools.step('schema', ({ tenant, server }) => schemas.dropSchema(server, tenant))),
      forSchema(tools.step('role', ({ tenant, server }) => schemas.dropRole(server, tenant))),
      { name: 'database', run: ({ operation }) => deleteOwnDatabase(tools, operation) },
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

/** The database's own deletion does the work; it is begun unless it runs already, and waited for. */
async function deleteOwnDatabase(tools: TenantTools, operation: Operation): Promise<void> {
  const { isolation, databaseId } = await tools.get(operation);
  if (isolation !== 'database' || databaseId === null) return;
  const { items } = await tools.operations.list({ subjectId: databaseId, limit: 1 });
  const [newest] = items;
  const isUnderWay = newest?.kind === 'database.delete' && !OPERATION_ENDED.has(newest.state);
  const deletion = isUnderWay
    ? newest
    : await tools.databases.beginDelete(systemContext('tenant.delete'), databaseId);
  const ended = await tools.operations.run(deletion, DATABASE_PATIENCE_MS);
  if (ended.state !== 'succeeded') {
    throw new RowhouseError('SERVICE_UNAVAILABLE', "The tenant's database is not deleted yet.");
  }
}
