import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

/** Refuses logins on both ports and ends the sessions; data stays. */
export function suspendDatabase(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.suspend',
    ...persistence(tools),
    steps: [tools.step('logins', ({ home, server }) => tools.provisioner.disableLogin(server, home))],
    succeed: async (tx, operation) => {
      await tools.move(tx, operation, 'suspended');
      return null;
    },
  };
}

/** Lets the database's role log in again, on both ports. */
export function resumeDatabase(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.resume',
    ...persistence(tools),
    steps: [tools.step('login', ({ home, server }) => tools.provisioner.enableLogin(server, home))],
    succeed: async (tx, operation) => {
      await tools.move(tx, operation, 'active');
      return null;
    },
  };
}

/** A half-done switch would contradict the status, so what the row says is applied again. */
function persistence(
  tools: HandlerTools,
): Pick<OperationHandler, 'maxAttempts' | 'deadlineSeconds' | 'whenUnavailable' | 'fail'> {
  return {
    maxAttempts: 20,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    fail: async (tx, operation) => {
      await tools.operations.enqueueFollowUp(tx, operation, 'database.apply');
    },
  };
}
