import { IS_DETACHED_PARTITION } from '../templates/detached-partition-sql.js';

export interface CopyTable extends Record<string, unknown> {
  readonly oid: number;
  readonly name: string;
  /** Columns that are stored, in their order; generated ones compute themselves. */
  readonly columns: readonly string[];
  readonly isPartitioned: boolean;
  /** A policy has taken it out of its table, or is about to: no template has it. */
  readonly isDetached: boolean;
  /** Whether it belongs to the provisioner, whose session this is. */
  readonly isOwn: boolean;
  /** Row security is forced on its owner too. */
  readonly hidesRows: boolean;
}

export interface CopyPartition extends Record<string, unknown> {
  readonly parent: string;
  readonly name: string;
  /** `FOR VALUES FROM (…) TO (…)` or `DEFAULT`. */
  readonly bound: string;
  /** `RANGE (at)` where the partition has partitions itself. */
  readonly key: string | null;
}

export interface CopyConstraint extends Record<string, unknown> {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
  readonly comment: string | null;
}

export interface CopyTrigger extends Record<string, unknown> {
  readonly table: string;
  readonly name: string;
  /** `pg_trigger.tgenabled`: O, A or R. */
  readonly enabled: string;
}

export interface CopySequence extends Record<string, unknown> {
  readonly name: string;
}

const NOT_OF_AN_EXTENSION = `NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend e
  WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')`;

/** A DETACH … CONCURRENTLY was interrupted: the rows are not in the table any more. */
const IS_DETACH_PENDING = `EXISTS (
  SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND i.inhdetachpending)`;

/** Ordinary tables, and partitioned ones as a whole. */
export const TABLES = `
  SELECT c.oid, c.relname AS name, c.relkind = 'p' AS "isPartitioned",
         COALESCE((SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '{}') AS columns,
         ${IS_DETACHED_PARTITION} OR c.relispartition AS "isDetached",
         pg_catalog.pg_get_userbyid(c.relowner) = current_user AS "isOwn",
         pg_catalog.row_security_active(c.oid) AS "hidesRows"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND (NOT c.relispartition OR ${IS_DETACH_PENDING})
    AND ${NOT_OF_AN_EXTENSION}
  ORDER BY c.relname`;

/** Of `$1` by the hosting database's ledger; `isHalfway`: through some statements of a version that runs one by one. */
export const FIND_VERSION = `
  SELECT max(version) AS version, COALESCE(bool_or(state = 'applying'), false) AS "isHalfway"
  FROM shared.schema_versions WHERE schema_name = $1 AND template_id = $2`;

/** Those whose table is a partition too come after it. */
export const PARTITIONS = `
  WITH RECURSIVE tree (oid, parent, depth) AS (
    SELECT c.oid, NULL::oid, 0 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'p' AND NOT c.relispartition
    UNION ALL
    SELECT i.inhrelid, i.inhparent, t.depth + 1 FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
    WHERE NOT i.inhdetachpending
  )
  SELECT p.relname AS parent, c.relname AS name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
         CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS key
  FROM tree t
  JOIN pg_catalog.pg_class c ON c.oid = t.oid
  JOIN pg_catalog.pg_class p ON p.oid = t.parent
  ORDER BY t.depth, c.relname`;

export const FOREIGN_KEYS = `
  SELECT c.relname AS table, k.conname AS name, pg_catalog.pg_get_constraintdef(k.oid) AS definition,
         pg_catalog.obj_description(k.oid, 'pg_constraint') AS comment
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND k.contype = 'f' AND k.conparentid = 0
  ORDER BY c.relname, k.conname`;

/** Those that would fire, partitions' own ones included. */
export const TRIGGERS = `
  SELECT c.relname AS table, t.tgname AS name, t.tgenabled AS enabled
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT t.tgisinternal AND t.tgenabled <> 'D'
  ORDER BY c.relispartition, c.relname, t.tgname`;

export const SEQUENCES = `
  SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'S' AND ${NOT_OF_AN_EXTENSION} ORDER BY c.relname`;
