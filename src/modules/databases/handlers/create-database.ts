import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

const MAX_ATTEMPTS = 5;
const DEADLINE_SECONDS = 300;

/** The cold path: makes everything, looking first. It also finishes what was claimed from the warm pool with extras. */
export function createDatabase(tools: HandlerTools): OperationHandler {
  const { repository, provisioner, aliases, clock } = tools;
  return {
    kind: 'database.create',
    maxAttempts: MAX_ATTEMPTS,
    deadlineSeconds: DEADLINE_SECONDS,
    whenUnavailable: 'fail',
    steps: [
      tools.step('role', async ({ database, home, server }) => {
        const roleOid = await provisioner.ensureRole(server, home);
        await repository.record(database.id, { roleOid });
      }),
      tools.step('database', async ({ database, home, server }) => {
        const databaseOid = await provisioner.ensureDatabase(server, home);
        await repository.record(database.id, { databaseOid });
      }),
      tools.step('privileges', ({ home, server }) => provisioner.ensurePrivileges(server, home)),
      tools.step('extensions', ({ home, server }) => provisioner.ensureExtensions(server, home)),
      tools.step('shadow', async ({ database, home, server, operation }) => {
        if (operation.input['shadow'] !== true) return;
        const shadowDatabaseOid = await provisioner.ensureShadow(server, home);
        await repository.record(database.id, { shadowDatabaseOid, shadowCreatedAt: clock.now() });
      }),
      tools.step('pooler', ({ server }) => aliases.sync(server)),
      tools.step('login', ({ home, server }) => provisioner.enableLogin(server, home)),
    ],
    ...creationEnds(tools),
  };
}

/** The warm path: everything is there, pooler entry included; the role only gets its password and LOGIN. */
export function claimDatabase(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.claim',
    maxAttempts: MAX_ATTEMPTS,
    deadlineSeconds: DEADLINE_SECONDS,
    whenUnavailable: 'fail',
    steps: [tools.step('login', ({ home, server }) => tools.provisioner.admit(server, home))],
    ...creationEnds(tools),
  };
}

/** Whatever a failed creation made is removed again, by an operation that waits for the server if need be. */
function creationEnds(tools: HandlerTools): Pick<OperationHandler, 'succeed' | 'fail'> {
  return {
    succeed: async (tx, operation) => {
      await tools.move(tx, operation, 'active');
      return null;
    },
    fail: async (tx, operation) => {
      const moved = await tools.move(tx, operation, 'deleting');
      if (moved) await tools.operations.enqueueFollowUp(tx, operation, 'database.delete');
    },
  };
}
