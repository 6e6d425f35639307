import type { OperationHandler } from '../../../operations/operation.types.js';
import type { DatabaseStepContext, HandlerTools } from './handler-tools.js';
import { closeDoors, openDoors } from './switch-logins.js';

/** Makes the server agree with the row: who may reach it, limits, timeouts, pooler entry, and whether its role may log in. */
export function applySettings(tools: HandlerTools): OperationHandler {
  const { provisioner, aliases } = tools;
  const applyLogin = (context: DatabaseStepContext) =>
    context.database.status === 'suspended' ? closeDoors(tools, context) : openDoors(tools, context);
  return {
    kind: 'database.apply',
    maxAttempts: 1_000,
    deadlineSeconds: 86_400,
    whenUnavailable: 'retry',
    steps: [
      tools.stepIf(
        ({ input }) => input['access'] === true,
        tools.step('access', ({ server }) => tools.access.sync(server)),
      ),
      tools.step('settings', ({ home, server }) => provisioner.applySettings(server, home)),
      tools.step('login', applyLogin),
      tools.step('pooler', ({ server }) => aliases.sync(server)),
    ],
    succeed: async () => null,
    // The ports go by the former rules still.
    fail: async (tx, { step, subjectId, input }) => {
      if (step !== 'access' || !subjectId) return;
      await tools.repository.update(tx, subjectId, {
        externalAccess: (input['formerAccess'] ?? null) as boolean | null,
      });
    },
  };
}
