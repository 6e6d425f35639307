import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HomeType } from '../../../provisioning/logins/login-home.js';
import { type RoleTools, roleOf } from './role-tools.js';

/** Makes everything, looking first; nobody can log in before both ports know from where. */
export function createRole(type: HomeType, tools: RoleTools): OperationHandler {
  const { logins, sessions, access, store, clock } = tools;
  return {
    kind: `${type}.create_role`,
    maxAttempts: 5,
    deadlineSeconds: 300,
    whenUnavailable: 'fail',
    steps: [
      tools.step(type, 'role', ({ home, server, row }) => logins.ensure(server, home, row)),
      tools.step(type, 'access', ({ server }) => access.sync(server)),
      tools.step(type, 'login', async ({ home, server, row }) => {
        if (home.status !== 'active') return;
        // Whoever is still at the pooler under this name is of an earlier role.
        await sessions.endRemainders(server, home.alias, row.username);
        await logins.admit(server, home, row);
      }),
    ],
    succeed: async (tx, operation) => {
      await store.update(tx, roleOf(operation), { status: 'active' });
      return null;
    },
    fail: async (tx, operation) => {
      await store.update(tx, roleOf(operation), { status: 'deleting', updatedAt: clock.now() });
      await tools.operations.enqueueFollowUp(tx, operation, `${type}.drop_roles`);
    },
  };
}
