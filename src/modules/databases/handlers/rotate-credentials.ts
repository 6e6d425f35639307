import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

/**
 * Puts the row's next credentials in force; a suspended database gets them when it is resumed. The password itself is
 * needed once, to refresh the pooler's key cache: it comes from memory while the process lives that made it, and else
 * from the ciphertext. Where neither has it, ending the sessions empties that cache.
 */
export function rotateCredentials(tools: HandlerTools): OperationHandler {
  const { provisioner, credentials, repository, clock } = tools;
  return {
    kind: 'database.rotate_credentials',
    maxAttempts: 20,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    steps: [
      tools.step('password', async ({ database, home, server, operation }) => {
        const verifier = database.nextScramVerifier;
        if (!verifier || database.status === 'suspended') return;
        const password =
          credentials.recall(operation.id) ??
          credentials.find(database.databaseName, database.nextPasswordCiphertext);
        if (password) return provisioner.rotatePassword(server, home, verifier, password);
        await provisioner.enableLogin(server, { ...home, scramVerifier: verifier });
        await provisioner.endSessions(server, home);
      }),
      tools.step('sessions', async ({ home, server, operation }) => {
        if (operation.input['endSessions'] === true) await provisioner.endSessions(server, home);
      }),
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
      await tools.operations.enqueueFollowUp(tx, operation, 'database.apply');
    },
  };
}
