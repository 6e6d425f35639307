import { hostRoles } from '../tenancy/hosts/host-roles.js';
import { WORKER_CONNECTIONS } from '../tenancy/hosts/worker-role.js';
import type { Comparison } from './comparison.js';
import type { Finding } from './finding.js';
import type { ObservedRole } from './observed-server.js';

/** The roles of hosting databases: those in which Rowhouse works, and the logins that are shared out. */
export function compareHostRoles(comparison: Comparison): Finding[] {
  const drifted = [...comparison.hostNames].flatMap((name) => compareOwnRoles(comparison, name));
  return [...drifted, ...compareHostLogins(comparison)];
}

/** A worker can log in for moments, so that is no finding. */
function compareOwnRoles({ roles }: Comparison, databaseName: string): Finding[] {
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
}

/** Whoever has such a login can change its password. */
function compareHostLogins({ tenancyBefore, tenancyAfter, roles }: Comparison): Finding[] {
  const before = new Set(tenancyBefore.hostLogins.map(({ verifier }) => verifier));
  return tenancyAfter.hostLogins
    .filter(({ username, verifier }) => {
      const role = roles.get(username);
      return role !== undefined && before.has(verifier) && role.verifier !== verifier;
    })
    .map(({ databaseId, username, verifier }) => ({
      kind: 'role_password_drifted',
      name: username,
      databaseId,
      detail: 'The connection strings that Rowhouse shows do not work.',
      action: { type: 'restore_host_login', databaseId, username, verifier },
    }));
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
