import { DatabaseName } from '../../kernel/identifiers.js';
import { accessGroups } from '../logins/login-names.js';
import { SCRATCH_DATABASE } from '../marks.js';
import type { ExpectedHome } from './expected-homes.js';
import type { ExpectedLogin } from './expected-logins.js';
import { type ExpectedTenancy, type ExpectedTenant, hostRoleNames } from './expected-tenancy.js';
import type { ObservedDatabase, ObservedRole, ObservedServer } from './observed-server.js';

export interface ComparisonInput {
  /** Homes as they were known before the server was looked at, and after. */
  readonly before: readonly ExpectedHome[];
  readonly after: readonly ExpectedHome[];
  readonly tenancyBefore: ExpectedTenancy;
  readonly tenancyAfter: ExpectedTenancy;
  readonly loginsBefore: readonly ExpectedLogin[];
  readonly loginsAfter: readonly ExpectedLogin[];
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
  readonly settledTenants: readonly ExpectedTenant[];
  /** Logins of those that did not change meanwhile. */
  readonly settledLogins: readonly ExpectedLogin[];
  /** Databases with the roles of a host around them. */
  readonly hostNames: ReadonlySet<string>;
  /** For each host that was looked into, the schemas' names by OID. */
  readonly schemas: ReadonlyMap<string, ReadonlyMap<number, string>>;
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
  const { before, after, observed, tenancyBefore, tenancyAfter } = input;
  const databases = [...before, ...after].map(({ home }) => home);
  const tenants = [...tenancyBefore.tenants, ...tenancyAfter.tenants].map(({ home }) => home);
  const homes = [...databases, ...tenants];
  const hostNames = new Set([...tenancyBefore.hostNames, ...tenancyAfter.hostNames]);
  return {
    ...input,
    settled: settledOf(before, after),
    settledTenants: settledOf(tenancyBefore.tenants, tenancyAfter.tenants),
    settledLogins: unchanged(input.loginsBefore, input.loginsAfter),
    hostNames,
    schemas: observed.schemas,
    known: new Set([...homes.flatMap(databaseNames), SCRATCH_DATABASE]),
    knownRoles: new Set([
      ...homes.flatMap(({ username }) => [username, ...Object.values(accessGroups(username)).map(String)]),
      ...[...input.loginsBefore, ...input.loginsAfter].map(({ username }) => username),
      ...hostRoleNames(hostNames),
      ...tenancyBefore.probeNames,
      ...tenancyAfter.probeNames,
    ]),
    databases: new Map(observed.databases.map((database) => [database.name, database])),
    roles: new Map(observed.roles.map((role) => [role.name, role])),
  };
}

function settledOf<Expected extends ExpectedHome>(
  before: readonly Expected[],
  after: readonly Expected[],
): Expected[] {
  const earlier = new Map(before.map((expected) => [expected.id, expected]));
  return after.filter((expected) => isSettled(expected) && isSame(earlier.get(expected.id), expected));
}

function unchanged(before: readonly ExpectedLogin[], after: readonly ExpectedLogin[]): ExpectedLogin[] {
  const earlier = new Map(before.map((login) => [login.id, JSON.stringify(login)]));
  return after.filter(
    (login) => login.status === 'active' && earlier.get(login.id) === JSON.stringify(login),
  );
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
