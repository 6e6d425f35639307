import { EVERYWHERE, type HbaLine, LOOPBACK, renderHbaLine } from '../../infra/hba/hba-line.js';
import { Cidr } from '../../kernel/cidr.js';
import { groupBy } from '../../kernel/group-by.js';
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

/** The same as text; empty when nothing is guarded. */
export function renderGuards(plan: AccessPlan, port: AccessPort): string {
  return guardLines(plan, port).map(renderHbaLine).join('');
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
  const byPlace = groupBy(logins, (login) => unique(loginNames(login, port)).join(' '));
  const places = [...byPlace].filter(([place]) => place !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  const roles = unique(logins.flatMap((login) => login.roles));
  const closed = port === 'pooled' ? unique(logins.flatMap((login) => login.ownAliases)) : [];
  return [
    ...places.flatMap(([place, inside]) => linesOfPlace(place.split(' '), inside)),
    ...rejectAll('all', roles),
    ...rejectAll(closed, 'all'),
  ];
}

function linesOfPlace(databases: readonly string[], logins: readonly GuardedLogins[]): HbaLine[] {
  const guests = new Guests();
  for (const login of logins) guests.add(login.roles, login.rules);
  return guests.lines((users) => ({ databases, users }));
}

function homeLines(homes: readonly GuardedHome[], port: AccessPort): HbaLine[] {
  const guests = new Guests();
  for (const home of homes) guests.add(homeNames(home, port), home.rules);
  return [
    ...guests.lines((databases) => ({ databases, users: 'all' })),
    ...rejectAll(unique(homes.flatMap((home) => homeNames(home, port))), 'all'),
    ...rejectAll('all', unique(homes.flatMap((home) => home.roles))),
  ];
}

interface Entrance {
  readonly type: 'host' | 'hostssl';
  readonly network: Cidr;
}

/** Only from exactly 127.0.0.1 and ::1 clients come without TLS, also where a wider network is admitted. */
const PLAIN: readonly Entrance[] = LOOPBACK.map((network) => ({ type: 'host', network }));

function entrances(network: Cidr): Entrance[] {
  const plain = PLAIN.filter((entrance) => network.covers(entrance.network));
  const isLoopback = plain.some((entrance) => entrance.network.equals(network));
  return isLoopback ? plain : [...plain, { type: 'hostssl', network }];
}

/** Names by the entrances that they come in at. Most rules name a network that others name too. */
class Guests {
  private readonly entrances = new Map<string, Entrance[]>();
  private readonly names = new Map<Entrance, string[]>();

  add(names: readonly string[], rules: readonly AdmittingRule[]): void {
    for (const { network } of rules) {
      for (const entrance of this.entrancesOf(network)) {
        const known = this.names.get(entrance);
        if (known) known.push(...names);
        else this.names.set(entrance, [...names]);
      }
    }
  }

  lines(toSides: (names: string[]) => Pick<HbaLine, 'databases' | 'users'>): HbaLine[] {
    return [...this.names]
      .filter(([, names]) => names.length > 0)
      .sort(([one], [other]) => Cidr.compare(one.network, other.network))
      .map(([entrance, names]) => line({ ...entrance, ...toSides(unique(names)) }));
  }

  private entrancesOf(network: Cidr): Entrance[] {
    const text = String(network);
    const known = this.entrances.get(text) ?? entrances(network);
    this.entrances.set(text, known);
    return known;
  }
}

function line({ type, databases, users, network }: Omit<HbaLine, 'method'>): HbaLine {
  return { type, databases, users, network, method: SCRAM };
}

function rejectAll(databases: HbaLine['databases'], users: HbaLine['users']): HbaLine[] {
  if (databases.length === 0 || users.length === 0) return [];
  return EVERYWHERE.map((network) => ({ type: 'host', databases, users, network, method: 'reject' }));
}
