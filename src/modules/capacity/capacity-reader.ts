import type { ClientBase } from 'pg';
import type { CapacityFacts, CatalogFacts, PartitionedTableFacts, SchemaFacts } from './capacity-facts.js';

/**
 * Reads as administrator, so it only reads catalogs and calls built-in functions by their qualified names: nothing in them
 * runs what a tenant wrote.
 */
const SESSION = `
  BEGIN READ ONLY; SET LOCAL statement_timeout = '30s';
  SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'`;

const DATABASE = `
  SELECT pg_catalog.pg_database_size(d.oid)::pg_catalog.float8 AS "databaseBytes",
         pg_catalog.age(d.datfrozenxid) AS "xidAge", pg_catalog.mxid_age(d.datminmxid) AS "multixactAge",
         pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int4 AS "maxLocksPerTransaction",
         pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS "maxConnections",
         pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4 AS "maxPreparedTransactions",
         pg_catalog.current_setting('recovery_init_sync_method') AS "recoveryInitSyncMethod",
         (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_namespace n
          WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
            AND n.nspname <> 'information_schema') AS schemas
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`;

/** Below 16384 are the system's own. */
const RELATIONS = `
  SELECT c.relkind AS kind, pg_catalog.count(*)::pg_catalog.int4 AS count
  FROM pg_catalog.pg_class c WHERE c.oid >= 16384 GROUP BY c.relkind`;

const CATALOGS = `
  SELECT c.relname AS name, pg_catalog.pg_total_relation_size(c.oid)::pg_catalog.float8 AS bytes,
         pg_catalog.pg_stat_get_live_tuples(c.oid)::pg_catalog.float8 AS "liveRows",
         pg_catalog.pg_stat_get_dead_tuples(c.oid)::pg_catalog.float8 AS "deadRows"
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r' AND NOT c.relisshared
  ORDER BY bytes DESC`;

/**
 * Of a schema's tables and indexes, TOAST included. pg_total_relation_size would open each of them: ten times as slow, and
 * it waits behind exclusive locks. A file ends at 1 GB and the rest is in further ones, whose pages VACUUM has counted.
 */
const SCHEMAS = `
  WITH owned AS MATERIALIZED (
    SELECT n.nspname AS schema, c.oid, c.relpages, c.reltoastrelid
    FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
    WHERE n.nspname = ANY ($1::name[])
  ), parts AS (
    SELECT schema, oid, relpages FROM owned
    UNION ALL
    SELECT o.schema, t.oid, t.relpages FROM owned o JOIN pg_catalog.pg_class t ON t.oid = o.reltoastrelid
    UNION ALL
    SELECT o.schema, x.oid, x.relpages
    FROM owned o JOIN pg_catalog.pg_index i ON i.indrelid = o.reltoastrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  ), files AS MATERIALIZED (
    SELECT schema, relpages, (pg_catalog.pg_stat_file(pg_catalog.pg_relation_filepath(oid), true)).size FROM parts
  )
  SELECT schema, pg_catalog.count(*)::pg_catalog.int4 AS relations,
         coalesce(pg_catalog.sum(CASE WHEN size < 1073741824 THEN size
                                 ELSE greatest(size, relpages::pg_catalog.int8 * 8192) END), 0)::pg_catalog.float8 AS bytes
  FROM files GROUP BY schema`;

/** pg_get_expr with 0 for the relation opens none. */
const PARTITIONED_TABLES = `
  SELECT n.nspname AS schema, p.relname AS table, children.newest,
         coalesce(children."hasDefaultRows", false) AS "hasDefaultRows"
  FROM pg_catalog.pg_partitioned_table k
  JOIN pg_catalog.pg_class p ON p.oid = k.partrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid AND a.attnum = k.partattrs[0]
  CROSS JOIN LATERAL (
    SELECT (pg_catalog.array_agg(b.bound ORDER BY b.bound LIKE '%FROM (MINVALUE)%', b.bound COLLATE "C" DESC)
             FILTER (WHERE b.bound <> 'DEFAULT'))[1] AS newest,
           pg_catalog.bool_or(b.bound = 'DEFAULT' AND (b.reltuples > 0 OR pg_catalog.pg_stat_get_live_tuples(b.oid) > 0))
             AS "hasDefaultRows"
    FROM (
      SELECT c.oid, c.reltuples, pg_catalog.pg_get_expr(c.relpartbound, 0) AS bound
      FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = p.oid
    ) AS b
  ) AS children
  WHERE k.partstrat = 'r' AND k.partnatts = 1
    AND a.atttypid IN ('pg_catalog.timestamptz'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype,
                       'pg_catalog.date'::pg_catalog.regtype)
  ORDER BY n.nspname, p.relname`;

type DatabaseRow = Pick<CapacityFacts, 'databaseBytes' | 'xidAge' | 'multixactAge' | 'schemas'> &
  CapacityFacts['settings'];

/** Measures the database that the session is in, and in it the schemas of these names. */
export async function readCapacity(
  client: ClientBase,
  tenantSchemas: readonly string[],
): Promise<CapacityFacts> {
  const rowsOf = async <Row extends object>(sql: string, values: unknown[] = []) =>
    (await client.query<Row>(sql, values)).rows;
  await client.query(SESSION);
  const [database] = await rowsOf<DatabaseRow>(DATABASE);
  if (!database) throw new Error('the database is gone');
  const { databaseBytes, xidAge, multixactAge, schemas, ...settings } = database;
  const relations = await rowsOf<{ kind: string; count: number }>(RELATIONS);
  const facts = {
    ...{ databaseBytes, xidAge, multixactAge, schemas, settings },
    relations: new Map(relations.map(({ kind, count }) => [kind, count])),
    catalogs: await rowsOf<CatalogFacts>(CATALOGS),
    tenantSchemas: await rowsOf<SchemaFacts>(SCHEMAS, [tenantSchemas]),
    partitionedTables: await rowsOf<PartitionedTableFacts>(PARTITIONED_TABLES),
  };
  await client.query('COMMIT');
  return facts;
}
