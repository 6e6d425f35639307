import type { ClientBase } from 'pg';
import { SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import { type BoundRange, type KeyType, parseBounds } from './partition-bounds.js';
import type { PartitionFailure } from './partition-outcome.js';
import type { ExistingPartition } from './partition-plan.js';
import { type ParentTable, type QualifiedName, readDoomed } from './partition-sql.js';

export interface AttachedPartition extends ExistingPartition, QualifiedName {
  /** A DETACH … CONCURRENTLY was interrupted between its two transactions. */
  readonly isDetachPending: boolean;
}

/** A table that was detached to be dropped. */
export interface DoomedTable extends QualifiedName {
  /** Its upper bound. */
  readonly to: number;
}

export interface PartitionedTable extends ParentTable {
  readonly oid: number;
  readonly partitions: readonly AttachedPartition[];
  readonly defaultPartition: QualifiedName | null;
  /** Of the names that were asked for, those that some relation of the schema has. */
  readonly takenNames: ReadonlySet<string>;
  readonly doomed: readonly DoomedTable[];
}

export interface CatalogQuestion {
  readonly schemas: readonly string[];
  readonly table: string;
  /** Names that new partitions may get. */
  readonly names: readonly string[];
}

/** The table of each schema, or why it cannot be looked after. */
export type CatalogAnswer = Map<string, PartitionedTable | PartitionFailure>;

interface Row {
  readonly schema: string;
  readonly oid: number | null;
  readonly strategy: string | null;
  readonly keyCount: number | null;
  readonly keyColumn: string | null;
  readonly keyType: KeyType | null;
  readonly partitions: readonly PartitionRow[] | null;
  readonly taken: readonly string[] | null;
  readonly doomed: readonly { readonly name: string; readonly comment: string }[] | null;
}

interface PartitionRow {
  readonly schema: string;
  readonly name: string;
  readonly bounds: string;
  readonly isDetachPending: boolean;
}

/**
 * All schemas of a database in one query. Its second argument 0 keeps pg_get_expr from opening the partition, for which it
 * would wait behind whoever has locked it; a bound names no column, so it needs none.
 */
const LOOK = `
  WITH schemas AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1::name[])
  ), taken AS (
    SELECT c.relnamespace, pg_catalog.array_agg(c.relname::text) AS names
    FROM pg_catalog.pg_class c
    WHERE c.relname = ANY ($3::name[]) AND c.relnamespace IN (SELECT oid FROM schemas)
    GROUP BY c.relnamespace
  ), doomed AS (
    SELECT c.relnamespace,
           pg_catalog.json_agg(pg_catalog.json_build_object('name', c.relname, 'comment', d.description)) AS tables
    FROM pg_catalog.pg_description d
    JOIN pg_catalog.pg_class c ON c.oid = d.objoid AND c.relkind = 'r' AND NOT c.relispartition
    WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
      AND pg_catalog.starts_with(d.description, 'Partition of ') AND c.relnamespace IN (SELECT oid FROM schemas)
    GROUP BY c.relnamespace
  )
  SELECT s.nspname AS schema, p.oid, k.partstrat AS strategy, k.partnatts AS "keyCount", a.attname AS "keyColumn",
         CASE a.atttypid
           WHEN 'pg_catalog.timestamptz'::pg_catalog.regtype THEN 'timestamptz'
           WHEN 'pg_catalog.timestamp'::pg_catalog.regtype THEN 'timestamp'
           WHEN 'pg_catalog.date'::pg_catalog.regtype THEN 'date'
         END AS "keyType",
         children.partitions, t.names AS taken, d.tables AS doomed
  FROM schemas s
  LEFT JOIN pg_catalog.pg_class p ON p.relnamespace = s.oid AND p.relname = $2
  LEFT JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = p.oid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid AND a.attnum = k.partattrs[0]
  LEFT JOIN taken t ON t.relnamespace = s.oid
  LEFT JOIN doomed d ON d.relnamespace = s.oid
  LEFT JOIN LATERAL (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
             'schema', cn.nspname, 'name', c.relname, 'bounds', pg_catalog.pg_get_expr(c.relpartbound, 0),
             'isDetachPending', i.inhdetachpending)) AS partitions
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
    WHERE i.inhparent = k.partrelid
  ) AS children ON true`;

/** Bounds are written as the session's DateStyle and TimeZone have it. */
const SESSION = `BEGIN READ ONLY; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'`;

export async function readCatalog(client: ClientBase, question: CatalogQuestion): Promise<CatalogAnswer> {
  const { schemas, table, names } = question;
  await client.query(SESSION);
  const { rows } = await client.query<Row>(LOOK, [schemas, table, names]);
  await client.query('COMMIT');
  const found = new Map(rows.map((row) => [row.schema, toTable(row, table)]));
  return new Map(schemas.map((schema) => [schema, found.get(schema) ?? noSchema(schema)]));
}

function toTable(row: Row, table: string): PartitionedTable | PartitionFailure {
  const { schema, oid, strategy, keyCount, keyColumn, keyType } = row;
  const name = `"${schema}"."${table}"`;
  if (oid === null) return problem(SQLSTATE.undefinedTable, `There is no table ${name}.`);
  if (strategy === null) return problem(SQLSTATE.wrongObjectType, `${name} is not a partitioned table.`);
  if (strategy !== 'r' || keyCount !== 1 || keyColumn === null || keyType === null) {
    return problem(
      SQLSTATE.featureNotSupported,
      `${name} is not partitioned by ranges of one timestamptz, timestamp or date column.`,
    );
  }
  const partitions = row.partitions ?? [];
  return {
    ...{ schema, table, oid, keyColumn, keyType },
    partitions: partitions.filter(({ bounds }) => bounds !== 'DEFAULT').map(toPartition),
    defaultPartition: partitions.find(({ bounds }) => bounds === 'DEFAULT') ?? null,
    takenNames: new Set(row.taken ?? []),
    doomed: (row.doomed ?? []).flatMap((doomed) => {
      const to = readDoomed(table, doomed.comment);
      return to === null ? [] : [{ schema, name: doomed.name, to }];
    }),
  };
}

/** Bounds that cannot be read are taken for endless: nothing is made beside them, and they never expire. */
const ENDLESS: BoundRange = { from: -Infinity, to: Infinity };

function toPartition({ schema, name, bounds, isDetachPending }: PartitionRow): AttachedPartition {
  return { schema, name, range: parseBounds(bounds) ?? ENDLESS, isDetachPending };
}

function noSchema(schema: string): PartitionFailure {
  return problem(SQLSTATE.invalidSchemaName, `There is no schema "${schema}".`);
}

function problem(state: string, message: string): PartitionFailure {
  return { partition: null, sqlState: state, message };
}
