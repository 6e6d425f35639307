import type { OperationHandler } from '../../../operations/operation.types.js';
import { credentialName } from '../tenant.js';
import type { TenantTools } from './tenant-tools.js';

/**
 * Puts the row's next credentials in force; a suspended tenant gets them when it is resumed. Where the password is not
 * known any more (after a crash, without an ENCRYPTION_KEY), ending the sessions empties the pooler's key cache.
 */
export function rotateTenant(tools: TenantTools): OperationHandler {
  const { schemas, credentials, repository, clock } = tools;
  return {
    kind: 'tenant.rotate_credentials',
    maxAttempts: 20,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    steps: [
      tools.step('password', async ({ tenant, server, operation }) => {
        const verifier = tenant.nextScramVerifier;
        if (!verifier || tenant.status === 'suspended') return;
        const password =
          credentials.recall(operation.id) ??
          credentials.find(credentialName(tenant), tenant.nextPasswordCiphertext);
        if (password) return schemas.rotatePassword(server, tenant, { verifier, password });
        await schemas.enableLogin(server, { ...tenant, scramVerifier: verifier });
        await schemas.endSessions(server, tenant);
      }),
      tools.stepIf(
        ({ input }) => input['endSessions'] === true,
        tools.step('sessions', ({ tenant, server }) => schemas.endSessions(server, tenant)),
      ),
    ],
    succeed: async (tx, operation) => {
      const { id, nextScramVerifier, nextPasswordCiphertext } = await tools.get(operation, tx);
      if (!nextScramVerifier) return null;
      await repository.update(tx, id, {
        scramVerifier: nextScramVerifier,
        passwordCiphertext: nextPasswordCiphertext,
        nextScramVerifier: null,
        nextPasswordCiphertext: null,
        updatedAt: clock.now(),
      });
      return null;
    },
    fail: async (tx, operation) => {
      const { id } = await tools.get(operation, tx);
      await repository.update(tx, id, { nextScramVerifier: null, nextPasswordCiphertext: null });
      await tools.operations.enqueueFollowUp(tx, operation, 'tenant.apply');
    },
  };
}
