import { settleAll } from '../../../kernel/settle-all.js';
import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

const MAX_ATTEMPTS = 5;
const DEADLINE_SECONDS = 300;

/**
 * The cold path: makes everything that is not there. It also finishes what was claimed from the warm pool with extras.
 * Copying the blank database takes most of the time, so password, limits and pooler entry are made meanwhile: nothing
 * lets anybody in before the last step.
 */
export function createDatabase(tools: HandlerTools): OperationHandler {
  const { repository, provisioner, aliases, clock } = tools;
  return {
    kind: 'database.create',
    maxAttempts: MAX_ATTEMPTS,
    deadlineSeconds: DEADLINE_SECONDS,
    whenUnavailable: 'fail',
    steps: [
      tools.step('home', async ({ database, home, server }) => {
        const roleOid = await provisioner.ensureRole(server, home);
        const [databaseOid] = await settleAll([
          provisioner.ensureDatabase(server, home),
          provisioner.prepareLogin(server, home),
          aliases.sync(server),
        ]);
        await settleAll([
          repository.record(database.id, { roleOid, databaseOid }),
          provisioner.ensurePrivileges(server, home),
        ]);
      }),
      tools.stepIf(
        ({ input }) => input['extensions'] === true,
        tools.step('extensions', ({ home, server }) => provisioner.ensureExtensions(server, home)),
      ),
      tools.stepIf(
        ({ input }) => input['shadow'] === true,
        tools.step('shadow', async ({ database, home, server }) => {
          const shadowDatabaseOid = await provisioner.ensureShadow(server, home);
          await repository.record(database.id, { shadowDatabaseOid, shadowCreatedAt: clock.now() });
          await aliases.sync(server);
        }),
      ),
      tools.step('login', async (context) => {
        await tools.guard(context);
        await provisioner.openLogin(context.server, context.home);
      }),
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
    steps: [
      tools.step('login', async (context) => {
        const { home, server, operation } = context;
        await tools.guard(context);
        if (operation.input['hasPassword'] === true) await tools.provisioner.openLogin(server, home);
        else await tools.provisioner.admit(server, home);
      }),
    ],
    ...creationEnds(tools),
  };
}

/** Whatever a failed creation made is removed again, by an operation that waits for the server if need be. */
function creationEnds(tools: HandlerTools): Pick<OperationHandler, 'succeed' | 'fail'> {
  return {
    succeed: async (tx, { subjectId }) => {
      if (subjectId) await tools.repository.activate(tx, subjectId);
      return null;
    },
    fail: async (tx, operation) => {
      const moved = await tools.move(tx, operation, 'deleting');
      if (moved) await tools.operations.enqueueFollowUp(tx, operation, 'database.delete');
    },
  };
}
