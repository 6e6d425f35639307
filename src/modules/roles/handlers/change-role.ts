import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HomeType } from '../../../provisioning/logins/login-home.js';
import type { LoginRow } from '../../../provisioning/logins/login-store.js';
import type { RoleTools } from './role-tools.js';

/** Brings the server to what the row says: limit and end for new sessions, networks for those of now as well. */
export function changeRole(type: HomeType, tools: RoleTools): OperationHandler {
  const { logins, access, aliases } = tools;
  return {
    kind: `${type}.change_role`,
    maxAttempts: 1_000,
    deadlineSeconds: 86_400,
    whenUnavailable: 'retry',
    steps: [
      tools.step(type, 'settings', async ({ home, server, row }) => {
        await logins.change(server, home, row);
        await aliases.reconnect(server, home.alias);
      }),
      tools.step(type, 'access', ({ server }) => access.sync(server)),
    ],
    succeed: async () => null,
    // The ports go by the former networks still.
    fail: async (tx, { step, input }) => {
      if (step !== 'access') return;
      const networks = input['formerNetworks'] as LoginRow['networks'];
      await tools.store.update(tx, input['roleId'] as string, { networks });
    },
  };
}
