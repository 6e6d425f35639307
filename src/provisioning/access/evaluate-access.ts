import type { AccessPlan, AccessPort, AdmittingRule, GuardedHome, GuardedLogins } from './access-plan.js';
import { homeNames, loginNames, peersOf } from './plan-names.js';

/** Somebody who wants in, with TLS where it is asked for. */
export interface AccessAttempt {
  readonly port: AccessPort;
  /** The database on the direct port, the alias on the pooled one. */
  readonly database: string;
  readonly role: string;
  readonly address: string;
}

export interface AccessVerdict {
  readonly allowed: boolean;
  /** By which rule; null where there is none, or where it needs none: open homes, Rowhouse and the pooler themselves. */
  readonly rule: AdmittingRule | null;
}

const REFUSED: AccessVerdict = { allowed: false, rule: null };
const OPEN: AccessVerdict = { allowed: true, rule: null };

/** What both files make of one attempt, in the order of `guardLines`. Many are better judged by one `accessJudge`. */
export function evaluateAccess(plan: AccessPlan, attempt: AccessAttempt): AccessVerdict {
  return accessJudge(plan, attempt.port)(attempt);
}

/** Judges any number of attempts at one port. */
export function accessJudge(
  plan: AccessPlan,
  port: AccessPort,
): (attempt: Omit<AccessAttempt, 'port'>) => AccessVerdict {
  const index = indexOf(plan, port);
  return (attempt) => {
    const { database, role, address } = attempt;
    if (isPeer(index, attempt)) return OPEN;
    const login = index.logins.get(role);
    if (login) return loginNames(login, port).includes(database) ? byRules(login.rules, address) : REFUSED;
    if (index.ownAliases.has(database)) return REFUSED;
    const home = index.homes.get(database);
    if (home) return byRules(home.rules, address);
    return index.homeRoles.has(role) ? REFUSED : OPEN;
  };
}

function indexOf(plan: AccessPlan, port: AccessPort) {
  return {
    peers: peersOf(plan, port),
    logins: byName<GuardedLogins>(plan.logins, ({ roles }) => roles),
    loginNames: new Set(plan.logins.flatMap((login) => loginNames(login, port))),
    ownAliases: new Set(port === 'pooled' ? plan.logins.flatMap(({ ownAliases }) => ownAliases) : []),
    homes: byName<GuardedHome>(plan.homes, (home) => homeNames(home, port)),
    homeRoles: new Set(plan.homes.flatMap(({ roles }) => roles)),
  };
}

function isPeer(
  { peers, homes, logins, loginNames }: ReturnType<typeof indexOf>,
  { database, role, address }: Omit<AccessAttempt, 'port'>,
): boolean {
  const isGuarded = homes.has(database) || (loginNames.has(database) && logins.has(role));
  return isGuarded && peers.some((peer) => peer.contains(address));
}

function byRules(rules: readonly AdmittingRule[], address: string): AccessVerdict {
  const rule = rules.find(({ network }) => network.contains(address));
  return rule ? { allowed: true, rule } : REFUSED;
}

function byName<T>(items: readonly T[], namesOf: (item: T) => readonly string[]): Map<string, T> {
  return new Map(items.flatMap((item) => namesOf(item).map((name) => [name, item])));
}
