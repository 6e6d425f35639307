import type { EntityManager } from 'typeorm';
import { PROBE_DATABASE } from '../infra/hba/probe.js';
import { LOGIN_PROBE, LOOKUP_DATABASE } from '../infra/pgbouncer/auth-query.js';
import type { PoolerAlias } from '../infra/pgbouncer/databases-ini.js';
import { DatabaseName } from '../kernel/identifiers.js';
import type { ManagedServer } from './managed-server.js';
import { poolSizes } from './pool-sizes.js';

interface PooledHome {
  readonly name: string;
  /** Another database than the one of the alias's name: a tenant schema's host. */
  readonly host: string | null;
  readonly maxConnections: number;
  readonly hasShadow: boolean;
  /** One server connection for all its users together. */
  readonly isProbe: boolean;
}

/** What the homes in stock are made with. */
export interface StockLimits {
  readonly database: number;
  readonly tenant: number;
}

/**
 * Warm homes have their aliases already, so that a claim needs no RELOAD. One that is being created has it before its
 * database is there: its role cannot log in yet.
 */
const FIND_POOLED_HOMES = `
  SELECT database_name AS name, NULL AS host, max_connections AS "maxConnections",
         shadow_database_oid IS NOT NULL AS "hasShadow", false AS "isProbe"
  FROM databases
  WHERE server_id = $1 AND status IN ('creating', 'active', 'suspended')
  UNION ALL
  SELECT database_name, NULL, $2::integer, false, false
  FROM warm_databases
  WHERE server_id = $1 AND state IN ('building', 'ready') AND database_oid IS NOT NULL
  UNION ALL
  SELECT t.schema_name, d.database_name, t.max_connections, false, false
  FROM tenants t JOIN databases d ON d.id = t.database_id
  WHERE t.server_id = $1 AND t.isolation = 'schema' AND t.status IN ('creating', 'active', 'suspended')
  UNION ALL
  SELECT w.schema_name, d.database_name, $3::integer, false, false
  FROM warm_schemas w JOIN databases d ON d.id = w.database_id
  WHERE w.server_id = $1 AND w.state IN ('building', 'ready') AND w.schema_oid IS NOT NULL
  UNION ALL
  SELECT p.alias, d.database_name, 1, false, true
  FROM leak_probes p JOIN databases d ON d.id = p.database_id
  WHERE p.server_id = $1 AND p.is_open`;

/** All aliases that the server's pooler shall serve, after the control database: the probe's and those of homes. */
export async function readAliases(
  tx: EntityManager,
  server: ManagedServer,
  stock: StockLimits,
): Promise<PoolerAlias[]> {
  const homes: PooledHome[] = await tx.query(FIND_POOLED_HOMES, [server.id, stock.database, stock.tenant]);
  return [...probeAliases(server), ...homes.flatMap((home) => toAliases(server, home))];
}

/**
 * Without an entry, the pooler would turn the probe of its rules away before it looks at them; nobody gets in by that
 * one. By the other, the probe of logins gets in.
 */
function probeAliases({ config: { host, port, pooler, socketDirectory } }: ManagedServer): PoolerAlias[] {
  if (!pooler) return [];
  const { authUser } = pooler;
  return [PROBE_DATABASE, LOGIN_PROBE].map((name) => ({
    name,
    host: socketDirectory ?? host,
    port,
    database: LOOKUP_DATABASE,
    poolSize: 1,
    authUser,
  }));
}

function toAliases(
  { config: { host, port, pooler, socketDirectory } }: ManagedServer,
  home: PooledHome,
): PoolerAlias[] {
  const sizes = poolSizes(home);
  if (!pooler) return [];
  const { authUser } = pooler;
  const main = {
    name: home.name,
    host: socketDirectory ?? host,
    port,
    database: home.host ?? home.name,
    poolSize: sizes.main,
    ...(home.isProbe && { maxConnections: 1 }),
    authUser,
  };
  if (!home.hasShadow) return [main];
  const shadow = DatabaseName.of(home.name).shadow.value;
  return [main, { ...main, name: shadow, database: shadow, poolSize: sizes.shadow }];
}
