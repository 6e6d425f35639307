import { accessGroups } from '../logins/login-names.js';
import type { Comparison } from './comparison.js';
import type { ExpectedHome } from './expected-homes.js';
import type { ExpectedLogin } from './expected-logins.js';
import type { Finding, FindingKind } from './finding.js';
import type { ObservedRole } from './observed-server.js';

/** Second logins of rotations, and roles that were made over the API. */
export function compareLogins(comparison: Comparison): Finding[] {
  const { settled, settledTenants, settledLogins } = comparison;
  const homes = new Map([...settled, ...settledTenants].map((home) => [home.id, home]));
  return settledLogins.flatMap((login) => {
    const home = homes.get(login.homeId);
    return home ? compareLogin(comparison, home, login) : [];
  });
}

function compareLogin({ roles }: Comparison, home: ExpectedHome, login: ExpectedLogin): Finding[] {
  const role = roles.get(login.username);
  const databaseId = home.kind === 'database' ? home.id : null;
  const base = { name: login.username, databaseId, action: null };
  const drift = (kind: FindingKind, detail: string): Finding => {
    return { ...base, kind, detail, action: { type: 'restore_role', home } };
  };
  if (!role) return [drift('role_missing', 'The server has no role of this name.')];
  if (role.oid !== login.roleOid) {
    return [
      { ...base, kind: 'role_replaced', detail: `Its OID is ${role.oid}, the row says ${login.roleOid}.` },
    ];
  }
  return [
    ...attributesOf(login, role).map((detail) => drift('role_drifted', detail)),
    ...(login.verifier !== null && role.verifier !== login.verifier
      ? [drift('role_password_drifted', 'The connection strings that Rowhouse shows do not work.')]
      : []),
    ...strangeMemberships(home, login, role).map((group): Finding => {
      return { ...base, kind: 'role_has_memberships', detail: `It is a member of ${group}.` };
    }),
  ];
}

function attributesOf(login: ExpectedLogin, role: ObservedRole): string[] {
  const shouldLogin = login.verifier !== null;
  return [
    ...(role.hasPower ? ['It has an attribute that no tenant may have.'] : []),
    ...(role.canLogin === shouldLogin ? [] : [role.canLogin ? 'It can log in.' : 'It cannot log in.']),
    ...(role.connectionLimit === login.maxConnections || !shouldLogin
      ? []
      : [`Its connection limit is ${role.connectionLimit}, the row says ${login.maxConnections}.`]),
    ...(isSameEnd(role.validUntil, login.expiresAt) || !shouldLogin ? [] : ['It ends at another time.']),
  ];
}

/** No end is `infinity` on the server. */
function isSameEnd(found: Date | number | null, expected: Date | null): boolean {
  const end = found instanceof Date ? found.getTime() : null;
  return end === (expected?.getTime() ?? null);
}

function strangeMemberships(
  { kind, home }: ExpectedHome,
  { access }: ExpectedLogin,
  role: ObservedRole,
): string[] {
  const { readers, writers } = accessGroups(home.username);
  const actsAsOwner = access === 'owner' || (kind === 'tenant' && access === 'readwrite');
  const group = access === 'readonly' ? readers.value : writers.value;
  return role.memberOf.filter((name) => name !== (actsAsOwner ? home.username : group));
}
