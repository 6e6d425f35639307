import { RowhouseError } from '../../kernel/errors.js';
import type { LoginHome } from '../../provisioning/logins/login-home.js';
import type { LoginRow } from '../../provisioning/logins/login-store.js';

/** Of one home. */
export const MAX_ROLES = 20;
/** Of all roles of a home together, each counted once: every network costs every login on the server. */
export const MAX_HOME_NETWORKS = 200;
/** What all roles of a home may have together, in times of what the home itself may. */
export const CONNECTIONS_FACTOR = 2;
const DEFAULT_CONNECTIONS = 5;

type Limited = Pick<LoginRow, 'maxConnections' | 'networks'>;

export interface LimitedChange {
  /** Null for a role to come. */
  readonly before: Limited | null;
  readonly after: Limited;
}

export function defaultConnections({ maxConnections }: Pick<LoginHome, 'maxConnections'>): number {
  return Math.min(DEFAULT_CONNECTIONS, maxConnections);
}

/** `others`: the home's other roles. What a role has already is not called into question. Throws CONFLICT. */
export function assertWithinLimits(
  home: Pick<LoginHome, 'maxConnections'>,
  others: readonly Limited[],
  { before, after }: LimitedChange,
): void {
  if (!before && others.length >= MAX_ROLES) {
    throw new RowhouseError('CONFLICT', `There are ${MAX_ROLES} roles already, the most a home may have.`);
  }
  if (after.maxConnections > (before?.maxConnections ?? 0)) assertConnections(home, others, after);
  if (after.networks && after.networks !== before?.networks) assertNetworks([...others, after]);
}

function assertConnections(
  home: Pick<LoginHome, 'maxConnections'>,
  others: readonly Limited[],
  { maxConnections }: Limited,
): void {
  const most = CONNECTIONS_FACTOR * home.maxConnections;
  const taken = others.reduce((sum, role) => sum + role.maxConnections, 0);
  if (taken + maxConnections <= most) return;
  throw conflict(
    'maxConnections',
    `${maxConnections} more than the ${taken} of the other roles would exceed ${most}, ${CONNECTIONS_FACTOR} times what the home itself may have`,
  );
}

function assertNetworks(roles: readonly Limited[]): void {
  const networks = new Set(roles.flatMap((role) => role.networks ?? []));
  if (networks.size <= MAX_HOME_NETWORKS) return;
  throw conflict(
    'allowedCidrs',
    `the roles of the home would have ${networks.size} different networks; ${MAX_HOME_NETWORKS} are the most`,
  );
}

function conflict(field: string, message: string): RowhouseError {
  return new RowhouseError('CONFLICT', `${field}: ${message}.`, { errors: [{ field, message }] });
}
