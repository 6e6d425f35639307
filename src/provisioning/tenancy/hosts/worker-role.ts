import { FIND_WORKERS_OF, type WorkerSession } from '../../../infra/postgres/blockers-sql.js';
import { admitWorker, FIND_ROLES, refuseWorker, setUpWorker } from '../../../infra/postgres/host-sql.js';
import { createRole, type RoleRow } from '../../../infra/postgres/role-sql.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { DatabaseName } from '../../../kernel/identifiers.js';
import { scramVerifier } from '../../../kernel/scram.js';
import type { ManagedServer } from '../../managed-server.js';
import { ownershipMismatch, workerMarkOf } from '../../marks.js';
import { hostRoles } from './host-roles.js';

/** Of all processes together: each keeps at most 72, and one for each clone. */
export const WORKER_CONNECTIONS = 150;

/** The role, which cannot log in; its limit and its rights are set anew. */
export async function ensureWorker(server: ManagedServer, databaseName: string): Promise<void> {
  const roles = hostRoles(databaseName);
  const [found] = await server.postgres.query<Pick<RoleRow, 'name' | 'mark'> & Record<string, unknown>>(
    FIND_ROLES,
    [[roles.worker.value]],
  );
  if (found && found.mark !== workerMarkOf(server)) throw ownershipMismatch('role', found.name);
  if (!found) {
    await server.postgres
      .execute(createRole(roles.worker, workerMarkOf(server)))
      .catch(ignoreState(SQLSTATE.duplicateObject, SQLSTATE.uniqueViolation));
  }
  await server.postgres.execute(setUpWorker(DatabaseName.of(databaseName), roles, WORKER_CONNECTIONS));
}

/** A host from before there were workers gets its own here. */
export async function admitWorkerOf(
  server: ManagedServer,
  databaseName: string,
  password: string,
): Promise<void> {
  const sql = admitWorker(hostRoles(databaseName), await scramVerifier(password));
  try {
    await server.postgres.execute(sql);
  } catch (error) {
    if (sqlState(error) !== SQLSTATE.undefinedObject) throw error;
    await ensureWorker(server, databaseName);
    await server.postgres.execute(sql);
  }
}

/** Whoever came in beside Rowhouse meanwhile has no seal. A process that changes the role just now shuts it itself. */
export async function refuseWorkerOf(server: ManagedServer, databaseName: string): Promise<void> {
  const roles = hostRoles(databaseName);
  await server.postgres
    .execute(refuseWorker(roles))
    .catch(ignoreState(SQLSTATE.undefinedObject, SQLSTATE.internalError));
  const sessions = await server.postgres.query<WorkerSession & Record<string, unknown>>(FIND_WORKERS_OF, [
    roles.worker.value,
  ]);
  await server.postgres.endUnsealed(sessions);
}

function ignoreState(...states: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!states.includes(sqlState(error) ?? '')) throw error;
  };
}
