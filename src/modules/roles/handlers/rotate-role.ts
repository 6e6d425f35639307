import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HomeType } from '../../../provisioning/logins/login-home.js';
import { type RoleTools, roleOf } from './role-tools.js';

/** Puts the row's next credentials in force; those of a suspended home get them when it is resumed. */
export function rotateRole(type: HomeType, tools: RoleTools): OperationHandler {
  const { rotation, sessions, credentials, store, clock } = tools;
  return {
    kind: `${type}.rotate_role`,
    maxAttempts: 20,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    steps: [
      tools.step(type, 'password', async ({ home, server, row, operation }) => {
        const verifier = row.nextScramVerifier;
        if (verifier === null || home.status === 'suspended') return;
        const password =
          credentials.recall(operation.id) ?? credentials.find(row.username, row.nextPasswordCiphertext);
        await rotation.replaceOf(server, home, row, { verifier, password });
      }),
      tools.step(type, 'sessions', async (context) => {
        const { home, server, row, operation } = context;
        if (operation.input['endSessions'] !== true) return;
        await sessions.endOf(server, home.alias, row);
        await tools.restoreOwn(context);
      }),
    ],
    succeed: async (tx, operation) => {
      await store.takeNext(tx, roleOf(operation), clock.now());
      return null;
    },
    fail: async (tx, operation) => {
      const changes = { nextScramVerifier: null, nextPasswordCiphertext: null };
      await store.update(tx, roleOf(operation), changes);
      await tools.operations.enqueueFollowUp(tx, operation, `${type}.apply`);
    },
  };
}
