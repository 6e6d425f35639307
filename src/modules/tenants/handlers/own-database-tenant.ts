import { RowhouseError } from '../../../kernel/errors.js';
import type { OperationHandler, OperationState } from '../../../operations/operation.types.js';
import { copyRows } from './copy-rows.js';
import type { TenantTools } from './tenant-tools.js';

export const OPERATION_ENDED: ReadonlySet<OperationState> = new Set(['succeeded', 'failed', 'cancelled']);

const DATABASE_PATIENCE_MS = 120_000;

/** Waits for the tenant's database, which an operation of its own makes, and fills it with the template. */
export function createOwnDatabaseTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.create_database',
    maxAttempts: 5,
    deadlineSeconds: 6 * 3_600,
    whenUnavailable: 'fail',
    lane: 'waiting',
    steps: [
      {
        name: 'database',
        run: async ({ operation }) => {
          const making = await tools.operations.get(String(operation.input['databaseOperationId']));
          const ended = await tools.operations.run(making, DATABASE_PATIENCE_MS);
          if (ended.state === 'succeeded') return;
          const { code, message } = ended.error ?? {
            code: 'OPERATION_TIMED_OUT' as const,
            message: 'The database took too long.',
          };
          throw new RowhouseError(code, message);
        },
      },
      tools.stepIf(
        ({ input }) => input['template'] === true,
        tools.step('tables', async ({ tenant, server, operation }) => {
          const target = { databaseName: tenant.databaseName, ownerRole: tenant.databaseOwner };
          await tools.hosts.ensure(server, target);
          await tools.hosts.openPublicSchema(server, target);
          const seeds = operation.input['copy'] !== true;
          const schemaOid = await tools.publicSchemas.ensureTables(server, tenant, seeds);
          await tools.repository.record(tenant.id, { schemaOid });
        }),
      ),
      tools.stepIf(
        ({ input }) => input['copy'] === true,
        tools.step('copy', (context) => copyRows(tools, context)),
      ),
    ],
    succeed: async (tx, { subjectId }) => {
      if (subjectId) await tools.repository.activate(tx, subjectId);
      return null;
    },
    fail: async (tx, operation) => {
      const moved = await tools.move(tx, operation, 'deleting');
      if (moved) await tools.operations.enqueueFollowUp(tx, operation, 'tenant.delete');
    },
  };
}
