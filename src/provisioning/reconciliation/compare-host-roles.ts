import { hostRoles } from '../tenancy/hosts/host-roles.js';
import { WORKER_CONNECTIONS } from '../tenancy/hosts/worker-role.js';
import type { Comparison } from './comparison.js';
import type { Finding } from './finding.js';
import type { ObservedRole } from './observed-server.js';

/** The roles in which Rowhouse works in hosting databases. A worker can log in for moments, so that is no finding. */
export function compareHostRoles({ hostNames, roles }: Comparison): Finding[] {
  return [...hostNames].flatMap((databaseName) => {
    const { provisioner, worker } = hostRoles(databaseName);
    const details = [
      ...provisionerDrift(roles.get(provisioner.value)),
      ...workerDrift(roles.get(worker.value)),
    ];
    return details.map(
      ({ name, detail }): Finding => ({
        kind: 'host_role_drifted',
        name,
        databaseId: null,
        detail,
        action: { type: 'restore_host_roles', databaseName },
      }),
    );
  });
}

function provisionerDrift(role: ObservedRole | undefined): { name: string; detail: string }[] {
  if (!role) return [];
  return [
    ...(role.canLogin ? [{ name: role.name, detail: 'It can log in.' }] : []),
    ...(role.verifier === null ? [] : [{ name: role.name, detail: 'It has a password.' }]),
  ];
}

function workerDrift(role: ObservedRole | undefined): { name: string; detail: string }[] {
  if (!role || role.connectionLimit === WORKER_CONNECTIONS) return [];
  const detail = `Its connection limit is ${role.connectionLimit}, and ${WORKER_CONNECTIONS} is right.`;
  return [{ name: role.name, detail }];
}
