import { DatabaseName } from '../../kernel/identifiers.js';
import type { ExpectedHome } from './expected-homes.js';
import type { ObservedDatabase, ObservedRole, ObservedServer } from './observed-server.js';

export interface ComparisonInput {
  /** Homes as they were known before the server was looked at, and after. */
  readonly before: readonly ExpectedHome[];
  readonly after: readonly ExpectedHome[];
  readonly observed: ObservedServer;
  /** The comment on Rowhouse's roles. */
  readonly mark: string;
  readonly poolerRole: string | null;
  readonly controlDatabase: string;
}

/** What the two sides hold, ready to be compared. */
export interface Comparison extends ComparisonInput {
  /** Homes that nothing worked on meanwhile, and whose state is therefore certain. */
  readonly settled: readonly ExpectedHome[];
  /** Names of databases, with those of shadow databases, and of roles that a row knows or knew. */
  readonly known: ReadonlySet<string>;
  readonly knownRoles: ReadonlySet<string>;
  readonly databases: ReadonlyMap<string, ObservedDatabase>;
  readonly roles: ReadonlyMap<string, ObservedRole>;
}

const SETTLED_STATES = new Set(['active', 'suspended', 'ready']);

/**
 * A home that is made or removed while the server is looked at would seem forgotten or missing. So only homes that
 * were known and idle both before and after count as missing something, and only what neither knew is forgotten.
 */
export function toComparison(input: ComparisonInput): Comparison {
  const { before, after, observed } = input;
  const earlier = new Map(before.map((expected) => [expected.id, expected]));
  const homes = [...before, ...after].map(({ home }) => home);
  return {
    ...input,
    settled: after.filter((expected) => isSettled(expected) && isSame(earlier.get(expected.id), expected)),
    known: new Set(homes.flatMap(databaseNames)),
    knownRoles: new Set(homes.map(({ username }) => username)),
    databases: new Map(observed.databases.map((database) => [database.name, database])),
    roles: new Map(observed.roles.map((role) => [role.name, role])),
  };
}

/** A shadow database without a recorded OID is one that is not there, and counts as forgotten when it is. */
function databaseNames({ databaseName, shadowDatabaseOid }: ExpectedHome['home']): string[] {
  return shadowDatabaseOid === null
    ? [databaseName]
    : [databaseName, DatabaseName.of(databaseName).shadow.value];
}

function isSettled({ status, isBusy }: ExpectedHome): boolean {
  return SETTLED_STATES.has(status) && !isBusy;
}

function isSame(earlier: ExpectedHome | undefined, later: ExpectedHome): boolean {
  return earlier !== undefined && isSettled(earlier) && JSON.stringify(earlier) === JSON.stringify(later);
}
