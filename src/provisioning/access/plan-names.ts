import type { Cidr } from '../../kernel/cidr.js';
import type { AccessPlan, AccessPort, GuardedHome, GuardedLogins } from './access-plan.js';

/** What clients ask for: databases on the direct port, aliases on the pooled one. */
export function homeNames({ databases, aliases }: GuardedHome, port: AccessPort): readonly string[] {
  return port === 'direct' ? databases : aliases;
}

/** The same for where logins with rules of their own may go. */
export function loginNames({ databases, aliases }: GuardedLogins, port: AccessPort): readonly string[] {
  return port === 'direct' ? databases : aliases;
}

export function peersOf({ directPeers, pooledPeers }: AccessPlan, port: AccessPort): readonly Cidr[] {
  return port === 'direct' ? directPeers : pooledPeers;
}

/** Whether anything on the server is not open to all. */
export function guardsAnything({ homes, logins }: AccessPlan): boolean {
  return homes.length > 0 || logins.length > 0;
}

/** Without repetitions and in order, so that the same plan always gives the same text. */
export function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
