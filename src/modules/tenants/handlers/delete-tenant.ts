import { systemContext } from '../../../http/request-context.js';
import { RowhouseError } from '../../../kernel/errors.js';
import type {
  Operation,
  OperationError,
  OperationHandler,
  OperationStep,
} from '../../../operations/operation.types.js';
import type { TenantStatus } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { OPERATION_ENDED } from './own-database-tenant.js';
import type { TenantTools } from './tenant-tools.js';

/** Dropping a database waits for a checkpoint, which takes its time on a busy disk; others wait for this one's place. */
const DATABASE_PATIENCE_MS = 60_000;
const REFUSED = 'OWNERSHIP_MISMATCH';
const OWNERSHIP = 'ownership';
const DATABASE = 'database';

/** Looks whether all of it is ours, closes every door, removes schema and role, or the database, and at last the row. */
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
    lane: 'waiting',
    steps: [
      forSchema(tools.step(OWNERSHIP, ({ tenant, server }) => schemas.assertOwned(server, tenant))),
      forSchema(tools.step('logins', ({ tenant, server }) => schemas.disableLogin(server, tenant))),
      forSchema(tools.step('pooler', ({ server }) => aliases.sync(server))),
      forSchema(tools.step('schema', ({ tenant, server }) => schemas.dropSchema(server, tenant))),
      forSchema(tools.step('role', ({ tenant, server }) => schemas.dropRole(server, tenant))),
      { name: DATABASE, run: ({ operation }) => deleteOwnDatabase(tools, operation) },
    ],
    succeed: async (tx, { subjectId }) => {
      if (subjectId) await repository.delete(tx, subjectId);
      return null;
    },
    fail: async (tx, operation, error) => {
      await tools.move(tx, operation, statusAfter(operation, error));
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
  if (ended.error?.code === REFUSED && ended.state === 'failed')
    throw new RowhouseError(REFUSED, ended.error.message);
  if (ended.state !== 'succeeded') {
    throw new RowhouseError('SERVICE_UNAVAILABLE', "The tenant's database is not deleted yet.");
  }
}

/**
 * A deletion that was refused by its first look, or cancelled before it, has changed nothing. That of a tenant's own
 * database looks itself, and the database has a status of its own.
 */
function statusAfter({ step, input }: Operation, { code }: OperationError): TenantStatus {
  const former = input['former'] as TenantStatus | undefined;
  const isUntouched = step === null || step === OWNERSHIP || (step === DATABASE && code === REFUSED);
  return former && isUntouched ? former : 'failed';
}
