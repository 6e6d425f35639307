import type { EntityManager } from 'typeorm';
import type { PoolerAlias } from '../infra/pgbouncer/databases-ini.js';
import { DatabaseName } from '../kernel/identifiers.js';
import type { ManagedServer } from './managed-server.js';
import { poolSizes } from './pool-sizes.js';

interface PooledHome {
  readonly name: string;
  readonly maxConnections: number;
  readonly hasShadow: boolean;
}

/**
 * Warm homes have their aliases already, so that a claim needs no RELOAD. One that is being created has it before its
 * database is there: its role cannot log in yet.
 */
const FIND_POOLED_HOMES = `
  SELECT database_name AS name, max_connections AS "maxConnections", shadow_database_oid IS NOT NULL AS "hasShadow"
  FROM databases
  WHERE server_id = $1 AND status IN ('creating', 'active', 'suspended')
  UNION ALL
  SELECT database_name, $2::integer, false
  FROM warm_databases
  WHERE server_id = $1 AND state IN ('building', 'ready') AND database_oid IS NOT NULL`;

/** All aliases that the server's pooler shall serve, after the control database. */
export async function readAliases(
  tx: EntityManager,
  server: ManagedServer,
  warmMaxConnections: number,
): Promise<PoolerAlias[]> {
  const homes: PooledHome[] = await tx.query(FIND_POOLED_HOMES, [server.id, warmMaxConnections]);
  return homes.flatMap((home) => toAliases(server, home));
}

function toAliases({ config: { host, port, pooler } }: ManagedServer, home: PooledHome): PoolerAlias[] {
  const sizes = poolSizes(home);
  if (!pooler) return [];
  const { authUser } = pooler;
  const main = { name: home.name, host, port, database: home.name, poolSize: sizes.main, authUser };
  if (!home.hasShadow) return [main];
  const shadow = DatabaseName.of(home.name).shadow.value;
  return [main, { ...main, name: shadow, database: shadow, poolSize: sizes.shadow }];
}
