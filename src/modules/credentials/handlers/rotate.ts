import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HomeType } from '../../../provisioning/logins/login-home.js';
import { loginName } from '../../../provisioning/logins/login-names.js';
import type { RotationInput } from '../../../provisioning/logins/new-rotation.js';
import type { CredentialTools } from './credential-tools.js';

/**
 * Puts the row's next credentials in force; a suspended home gets them when it is resumed. The password itself is
 * needed once, to refresh the pooler's key cache: it comes from memory while the process lives that made it, and else
 * from the ciphertext.
 */
export function rotate(type: HomeType, tools: CredentialTools): OperationHandler {
  const { rotation, homes, store, own, strangers } = tools;
  return {
    kind: `${type}.rotate_credentials`,
    maxAttempts: 20,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    steps: [
      tools.stepIf(
        ({ input }) => input['turn'] === true,
        tools.step(type, 'second login', ({ home, server }) => rotation.ensureSecond(server, home)),
      ),
      tools.step(type, 'password', async ({ home, server, operation }) => {
        const fresh = tools.nextPassword(home, operation);
        if (!fresh || home.status === 'suspended') return;
        if (operation.input['turn'] === true) await rotation.admitOther(server, home, fresh);
        else await rotation.replace(server, home, fresh);
      }),
      tools.stepIf(
        ({ input }) => input['turn'] !== true,
        tools.step(type, 'previous', async ({ home, server }) => {
          if (!(await store.findOverlap(home))) return;
          await rotation.refuseOther(server, home);
          await rotation.endOther(server, home);
        }),
      ),
      tools.step(type, 'sessions', async ({ home, server, operation }) => {
        if (operation.input['endSessions'] === true) await rotation.endSessions(server, home);
      }),
      // Whoever had the former password may have let others in.
      tools.step(type, 'strangers', async ({ home, server }) => {
        if (type === 'database') await strangers.evict(server, home.databaseName);
      }),
      tools.stepIf(
        ({ input }) => input['turn'] !== true,
        tools.step(type, 'own password', ({ home, server, operation: { id: operationId } }) => {
          const scramVerifier = home.nextScramVerifier ?? home.scramVerifier;
          return own.restore(server, { ...home, scramVerifier }, { overlap: null, operationId });
        }),
      ),
    ],
    succeed: async (tx, operation) => {
      const home = await tools.getHome(type, operation, tx);
      if (home.nextScramVerifier === null) return null;
      const at = tools.clock.now();
      await store.deleteOverlap(tx, home);
      const { turn, graceSeconds, endWhenUnused } = operation.input as RotationInput;
      if (turn) {
        const endsAt = new Date(at.getTime() + graceSeconds * 1_000);
        const { scramVerifier } = home;
        await store.insertOverlap(tx, home, {
          username: loginName(home),
          scramVerifier,
          endsAt,
          endsWhenUnused: endWhenUnused,
        });
      }
      await homes.takeNext(tx, home, at);
      return null;
    },
    fail: async (tx, operation) => {
      await homes.forgetNext(tx, await tools.getHome(type, operation, tx));
      await tools.operations.enqueueFollowUp(tx, operation, `${type}.apply`);
    },
  };
}

/** The end of an overlap: the other login is refused, and its sessions end on both ports. */
export function endOverlap(type: HomeType, tools: CredentialTools): OperationHandler {
  const { rotation, store, own } = tools;
  return {
    kind: `${type}.end_overlap`,
    maxAttempts: 1_000,
    deadlineSeconds: 7 * 86_400,
    whenUnavailable: 'retry',
    steps: [
      tools.step(type, 'login', ({ home, server }) => rotation.refuseOther(server, home)),
      tools.step(type, 'sessions', ({ home, server }) => rotation.endOther(server, home)),
      tools.step(type, 'own password', ({ home, server, operation: { id: operationId } }) =>
        own.restore(server, home, { overlap: null, operationId }),
      ),
    ],
    succeed: async (tx, operation) => {
      await store.deleteOverlap(tx, await tools.getHome(type, operation, tx));
      return null;
    },
    fail: async () => {},
  };
}
