export interface PoolSizes {
  /** Server connections of the home's own alias. */
  readonly main: number;
  /** Server connections of the shadow database's alias. */
  readonly shadow: number;
}

const SHADOW_POOL_SIZE = 1;

/**
 * The role's CONNECTION LIMIT counts both ports and both databases. A fifth of it, at least one, is left to direct
 * sessions (migrations, dumps), so that pools which are full don't run into the limit. A home of one connection has
 * nothing to leave.
 */
export function poolSizes({
  maxConnections,
  hasShadow,
}: {
  maxConnections: number;
  hasShadow: boolean;
}): PoolSizes {
  const reserve = Math.max(1, Math.floor(maxConnections / 5));
  const shadow = hasShadow ? SHADOW_POOL_SIZE : 0;
  return { main: Math.max(1, maxConnections - reserve - shadow), shadow: SHADOW_POOL_SIZE };
}
