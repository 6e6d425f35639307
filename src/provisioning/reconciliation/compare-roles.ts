import { hostRoles } from '../tenancy/hosts/host-roles.js';
import type { Comparison } from './comparison.js';
import type { ExpectedHome } from './expected-homes.js';
import type { Finding, FindingKind } from './finding.js';
import type { ObservedRole } from './observed-server.js';

export function compareRoles(comparison: Comparison): Finding[] {
  return [
    ...comparison.settled.flatMap((expected) =>
      compareHome(comparison, expected, ownerMemberships(comparison, expected)),
    ),
    ...comparison.settledTenants.flatMap((expected) =>
      compareHome(comparison, expected, [hostRoles(expected.hostName).tenants.value]),
    ),
    ...comparison.observed.roles.flatMap((role) => compareUnknown(comparison, role)),
  ];
}

function compareHome(
  comparison: Comparison,
  expected: ExpectedHome,
  memberships: readonly string[],
): Finding[] {
  const { home } = expected;
  const role = comparison.roles.get(home.username);
  if (!role) return [missing(comparison, expected)];
  if (role.oid !== home.roleOid) {
    return [{ ...base(expected, 'role_replaced', `Its OID is ${role.oid}, the row says ${home.roleOid}.`) }];
  }
  return [...compareAttributes(expected, role), ...compareMemberships(expected, role, memberships)];
}

/** Made again only while its database stands: without that there is nothing to log in to. */
function missing({ databases }: Comparison, expected: ExpectedHome): Finding {
  const { kind, home } = expected;
  const hasDatabase = databases.get(home.databaseName)?.oid === home.databaseOid;
  const canRecreate = kind === 'database' && hasDatabase;
  return {
    ...base(expected, 'role_missing', 'The server has no role of this name.'),
    action: canRecreate ? { type: 'recreate_role', home: expected } : null,
  };
}

function compareAttributes(expected: ExpectedHome, role: ObservedRole): Finding[] {
  const { kind, status, ownVerifier, home } = expected;
  const findings: Finding[] = [];
  const isWarm = kind === 'warm' || kind === 'warm_schema';
  const type = isWarm ? 'retire_warm' : 'restore_role';
  const drift = (finding: FindingKind, detail: string) =>
    findings.push({ ...base(expected, finding, detail), action: { type, home: expected } });
  const shouldLogin = !isWarm && status === 'active' && ownVerifier !== null;
  if (role.hasPower) drift('role_drifted', 'It has an attribute that no tenant may have.');
  if (role.canLogin !== shouldLogin)
    drift('role_drifted', role.canLogin ? 'It can log in.' : 'It cannot log in.');
  if (isWarm) return findings;
  if (role.connectionLimit !== home.maxConnections) {
    drift(
      'role_drifted',
      `Its connection limit is ${role.connectionLimit}, the row says ${home.maxConnections}.`,
    );
  }
  const changed = expectedSettings(expected).filter(([name, value]) => settingOf(role, name) !== value);
  for (const [name, value] of changed) {
    drift(
      'role_settings_drifted',
      `${name} is ${settingOf(role, name) ?? 'not set'}, the row says ${value} ms.`,
    );
  }
  if (shouldLogin && role.verifier !== ownVerifier) {
    drift('role_password_drifted', 'The connection strings that Rowhouse shows do not work.');
  }
  return findings;
}

/** A host's owner may do all that its provisioner may. */
function ownerMemberships({ hostNames }: Comparison, { home }: ExpectedHome): string[] {
  return hostNames.has(home.databaseName) ? [hostRoles(home.databaseName).provisioner.value] : [];
}

function compareMemberships(
  expected: ExpectedHome,
  { memberOf }: ObservedRole,
  memberships: readonly string[],
): Finding[] {
  const others = memberOf.filter((role) => !memberships.includes(role));
  if (others.length === 0) return [];
  return [base(expected, 'role_has_memberships', `It is a member of ${others.join(', ')}.`)];
}

function compareUnknown({ knownRoles, mark }: Comparison, role: ObservedRole): Finding[] {
  if (knownRoles.has(role.name) || role.mark !== mark) return [];
  const detail = `OID ${role.oid}. It was left alone.`;
  return [{ kind: 'role_forgotten', name: role.name, databaseId: null, detail, action: null }];
}

function expectedSettings({ home }: ExpectedHome): [name: string, milliseconds: number][] {
  return [
    ['statement_timeout', home.statementTimeoutMs],
    ['lock_timeout', home.lockTimeoutMs],
    ['idle_in_transaction_session_timeout', home.idleInTransactionTimeoutMs],
  ];
}

/** Milliseconds, if it was written without a unit, as Rowhouse does; else the text as it stands. */
function settingOf({ settings }: ObservedRole, name: string): number | string | undefined {
  const text = settings.find((setting) => setting.startsWith(`${name}=`))?.slice(name.length + 1);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function base(expected: ExpectedHome, kind: FindingKind, detail: string): Finding {
  const databaseId = expected.kind === 'database' ? expected.id : null;
  return { kind, name: expected.home.username, databaseId, detail, action: null };
}
