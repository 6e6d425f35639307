import { EVERYWHERE, type HbaLine, LOOPBACK } from '../../infra/hba/hba-line.js';
import { Cidr } from '../../kernel/cidr.js';
import type { AccessPlan, AccessPort, AdmittingRule, GuardedHome, GuardedLogins } from './access-plan.js';
import { homeNames, loginNames, peersOf, unique } from './plan-names.js';

const SCRAM = 'scram-sha-256';

/**
 * The plan as lines of either HBA file; the first that matches decides, as in `accessJudge`. Every line costs every
 * login time, so there is one for each network, not one for each rule. Unix sockets are left to the lines below.
 */
export function guardLines(plan: AccessPlan, port: AccessPort): HbaLine[] {
  return [...peerLines(plan, port), ...loginLines(plan.logins, port), ...homeLines(plan.homes, port)];
}

function peerLines(plan: AccessPlan, port: AccessPort): HbaLine[] {
  const homes = unique(plan.homes.flatMap((home) => homeNames(home, port)));
  const logins = unique(plan.logins.flatMap((login) => loginNames(login, port)));
  const roles = unique(plan.logins.flatMap((login) => login.roles));
  return peersOf(plan, port).flatMap((network) => [
    ...(homes.length > 0 ? [line({ type: 'host', databases: homes, users: 'all', network })] : []),
    ...(logins.length > 0 && roles.length > 0
      ? [line({ type: 'host', databases: logins, users: roles, network })]
      : []),
  ]);
}

function loginLines(logins: readonly GuardedLogins[], port: AccessPort): HbaLine[] {
  const groups = new Groups();
  for (const login of logins) {
    const databases = unique(loginNames(login, port));
    if (databases.length > 0) groups.add({ databases }, login.roles, login.rules);
  }
  const closed = port === 'pooled' ? unique(logins.flatMap((login) => login.ownAliases)) : [];
  return [
    ...groups.lines(({ databases }, users) => ({ databases, users })),
    ...rejectAll('all', unique(logins.flatMap((login) => login.roles))),
    ...rejectAll(closed, 'all'),
  ];
}

function homeLines(homes: readonly GuardedHome[], port: AccessPort): HbaLine[] {
  const groups = new Groups();
  for (const home of homes) groups.add({ databases: [] }, homeNames(home, port), home.rules);
  return [
    ...groups.lines((_, databases) => ({ databases, users: 'all' })),
    ...rejectAll(unique(homes.flatMap((home) => homeNames(home, port))), 'all'),
    ...rejectAll('all', unique(homes.flatMap((home) => home.roles))),
  ];
}

interface Entrance {
  readonly type: 'host' | 'hostssl';
  readonly network: Cidr;
}

/** Only from exactly 127.0.0.1 and ::1 clients come without TLS, also where a wider network is admitted. */
function entrances(network: Cidr): Entrance[] {
  const plain = LOOPBACK.filter((loopback) => network.covers(loopback));
  const isLoopback = LOOPBACK.some((loopback) => loopback.equals(network));
  return [
    ...plain.map((loopback): Entrance => ({ type: 'host', network: loopback })),
    ...(isLoopback ? [] : [{ type: 'hostssl' as const, network }]),
  ];
}

interface Place {
  readonly databases: readonly string[];
}

interface Group extends Entrance, Place {
  readonly names: Set<string>;
}

/** Names that get in by the same line: from the same network, into the same place. */
class Groups {
  private readonly byKey = new Map<string, Group>();

  add(place: Place, names: readonly string[], rules: readonly AdmittingRule[]): void {
    if (names.length === 0) return;
    for (const entrance of rules.flatMap((rule) => entrances(rule.network))) {
      const key = [entrance.type, entrance.network, ...place.databases].join(' ');
      const group = this.byKey.get(key) ?? { ...entrance, ...place, names: new Set<string>() };
      this.byKey.set(key, group);
      for (const name of names) group.names.add(name);
    }
  }

  lines(toSides: (place: Place, names: string[]) => Pick<HbaLine, 'databases' | 'users'>): HbaLine[] {
    const groups = [...this.byKey.entries()].sort(([a, one], [b, other]) => {
      return Cidr.compare(one.network, other.network) || (a < b ? -1 : 1);
    });
    return groups.map(([, group]) => line({ ...group, ...toSides(group, unique([...group.names])) }));
  }
}

function line({ type, databases, users, network }: Omit<HbaLine, 'method'>): HbaLine {
  return { type, databases, users, network, method: SCRAM };
}

function rejectAll(databases: HbaLine['databases'], users: HbaLine['users']): HbaLine[] {
  if (databases.length === 0 || users.length === 0) return [];
  return EVERYWHERE.map((network) => ({ type: 'host', databases, users, network, method: 'reject' }));
}
