import { DatabaseName } from '../../kernel/identifiers.js';
import { accessGroups } from '../logins/login-names.js';
import { BLANK_DATABASE } from '../marks.js';
import type { Comparison } from './comparison.js';
import type { ExpectedHome } from './expected-homes.js';
import { hostRoleNames } from './expected-tenancy.js';
import type { Finding } from './finding.js';
import type { ObservedDatabase } from './observed-server.js';

/** Databases of PostgreSQL and of Rowhouse itself, which the preparation of the server closes. */
const OWN_DATABASES = new Set(['postgres', 'template0', 'template1', BLANK_DATABASE]);

export function compareDatabases(comparison: Comparison): Finding[] {
  return [
    ...comparison.settled.flatMap((expected) => compareHome(comparison, expected)),
    ...comparison.observed.databases.flatMap((database) => compareUnknown(comparison, database)),
  ];
}

function compareHome(comparison: Comparison, expected: ExpectedHome): Finding[] {
  const { home, kind } = expected;
  const main = comparison.databases.get(home.databaseName);
  const missing = kind === 'warm' ? 'warm_database_missing' : 'database_missing';
  const found = main
    ? compareFound(comparison, expected, { database: main, oid: home.databaseOid })
    : [finding(expected, missing, home.databaseName, 'The server has no database of this name.')];
  return [...found, ...compareShadow(comparison, expected)];
}

function compareShadow(comparison: Comparison, expected: ExpectedHome): Finding[] {
  const { databaseName, shadowDatabaseOid } = expected.home;
  if (shadowDatabaseOid === null) return [];
  const name = DatabaseName.of(databaseName).shadow.value;
  const database = comparison.databases.get(name);
  if (database) return compareFound(comparison, expected, { database, oid: shadowDatabaseOid });
  return [finding(expected, 'shadow_missing', name, 'The server has no database of this name.')];
}

function compareFound(
  { poolerRole, hostNames, loginsAfter }: Comparison,
  expected: ExpectedHome,
  { database, oid }: { database: ObservedDatabase; oid: number | null },
): Finding[] {
  const { name, owner, grantees } = database;
  if (database.oid !== oid) {
    return [finding(expected, 'database_replaced', name, `Its OID is ${database.oid}, the row says ${oid}.`)];
  }
  const findings: Finding[] = [];
  if (owner !== expected.home.username) {
    findings.push(finding(expected, 'database_owner_changed', name, `It belongs to ${owner}.`));
  }
  if (!database.allowsConnections || database.isTemplate || database.connectionLimit !== -1) {
    findings.push(finding(expected, 'database_flags_drifted', name, describeFlags(database)));
  }
  if (poolerRole && !grantees.includes(poolerRole)) {
    findings.push(finding(expected, 'database_grants_drifted', name, 'The pooler may not connect.'));
  }
  const admitted = new Set([
    poolerRole,
    expected.home.username,
    ...Object.values(accessGroups(expected.home.username)).map(String),
    ...loginsAfter.filter(({ homeId }) => homeId === expected.id).map(({ username }) => username),
    ...(hostNames.has(name) ? hostRoleNames(new Set([name])) : []),
  ]);
  const strangers = grantees.filter((grantee) => !admitted.has(grantee));
  return [...findings, ...strangers.map((grantee) => openTo(expected, name, grantee))];
}

/** Only what belongs to a role with Rowhouse's mark is taken for Rowhouse's: nobody else can set that. */
function compareUnknown({ known, mark, controlDatabase }: Comparison, database: ObservedDatabase): Finding[] {
  const { name, oid, owner, ownerMark, grantees } = database;
  if (known.has(name)) return [];
  const base = { name, databaseId: null, action: null };
  if (ownerMark === mark) {
    return [
      { ...base, kind: 'database_forgotten', detail: `OID ${oid}, owned by ${owner}. It was left alone.` },
    ];
  }
  const isOwn = OWN_DATABASES.has(name) || name === controlDatabase || name.startsWith(BLANK_DATABASE);
  if (isOwn || !database.allowsConnections || !grantees.includes('')) return [];
  return [
    {
      ...base,
      kind: 'database_open_to_all',
      detail: 'REVOKE CONNECT ON DATABASE … FROM PUBLIC would close it.',
    },
  ];
}

function openTo(home: ExpectedHome, database: string, grantee: string): Finding {
  return {
    kind: 'database_grants_drifted',
    name: database,
    databaseId: idOf(home),
    detail: `${grantee || 'PUBLIC'} has privileges on it.`,
    action: { type: 'revoke_connect', home, database, grantee },
  };
}

const ACTIONS = {
  database_missing: null,
  database_replaced: null,
  database_owner_changed: null,
  database_flags_drifted: 'restore_database',
  database_grants_drifted: 'restore_database',
  shadow_missing: 'forget_shadow',
  warm_database_missing: 'retire_warm',
} as const;

function finding(home: ExpectedHome, kind: keyof typeof ACTIONS, name: string, detail: string): Finding {
  const type = ACTIONS[kind];
  return { kind, name, databaseId: idOf(home), detail, action: type && { type, home } };
}

function idOf({ kind, id }: ExpectedHome): string | null {
  return kind === 'database' ? id : null;
}

function describeFlags({ allowsConnections, isTemplate, connectionLimit }: ObservedDatabase): string {
  const flags = [
    ...(allowsConnections ? [] : ['it refuses connections']),
    ...(isTemplate ? ['it is a template'] : []),
    ...(connectionLimit === -1 ? [] : [`its connection limit is ${connectionLimit}`]),
  ];
  return `${flags.join(', ')}.`;
}
