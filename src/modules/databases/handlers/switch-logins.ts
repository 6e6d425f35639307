import type { OperationHandler } from '../../../operations/operation.types.js';
import type { DatabaseStepContext, HandlerTools } from './handler-tools.js';

/** Refuses logins on both ports, those of tenants in the database too, and ends the sessions; data stays. */
export function suspendDatabase(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.suspend',
    ...persistence(tools),
    steps: [tools.step('logins', (context) => closeDoors(tools, context))],
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
    steps: [tools.step('login', (context) => openDoors(tools, context))],
    succeed: async (tx, operation) => {
      await tools.move(tx, operation, 'active');
      return null;
    },
  };
}

/**
 * Of the database's own login, of everybody who lives in it, and of whoever its owner let in: in this order, since the
 * owner can let strangers in for as long as it has a session. A session that does not end keeps no other door open.
 */
export async function closeDoors(tools: HandlerTools, { home, server }: DatabaseStepContext): Promise<void> {
  const failures: unknown[] = [];
  const closings = [
    () => tools.provisioner.disableLogin(server, home),
    () => tools.hostDoors.close(server, home.databaseName),
    () => tools.strangers.evict(server, home.databaseName),
  ];
  for (const close of closings) await close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

export async function openDoors(tools: HandlerTools, { home, server }: DatabaseStepContext): Promise<void> {
  await tools.provisioner.enableLogin(server, home);
  await tools.hostDoors.open(server, home.databaseName);
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
