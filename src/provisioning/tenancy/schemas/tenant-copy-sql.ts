import { quoteIdentifier } from '../../../kernel/identifiers.js';

export interface CopyTable extends Record<string, unknown> {
  readonly name: string;
  /** Columns that are stored, in their order; generated ones compute themselves. */
  readonly columns: readonly string[];
}

export interface CopyPartition extends Record<string, unknown> {
  readonly parent: string;
  readonly name: string;
  /** `FOR VALUES FROM (…) TO (…)` or `DEFAULT`. */
  readonly bound: string;
}

export interface CopyConstraint extends Record<string, unknown> {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

export interface CopySequence extends Record<string, unknown> {
  readonly name: string;
}

/** Ordinary tables, and partitioned ones as a whole. */
export const TABLES = `
  SELECT c.relname AS name,
         (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  ORDER BY c.relname`;

/** Of `$1` by the hosting database's ledger; `isHalfway`: through some statements of a version that runs one by one. */
export const FIND_VERSION = `
  SELECT max(version) AS version, COALESCE(bool_or(state = 'applying'), false) AS "isHalfway"
  FROM shared.schema_versions WHERE schema_name = $1 AND template_id = $2`;

export const PARTITIONS = `
  SELECT p.relname AS parent, c.relname AS name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  WHERE n.nspname = $1 AND c.relispartition AND c.relkind = 'r'
  ORDER BY c.relname`;

export const FOREIGN_KEYS = `
  SELECT c.relname AS table, k.conname AS name, pg_catalog.pg_get_constraintdef(k.oid) AS definition
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND k.contype = 'f' AND k.conparentid = 0
  ORDER BY c.relname, k.conname`;

export const SEQUENCES = `
  SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'S' ORDER BY c.relname`;

/** No statement where there is no table. */
export function lockTables(schema: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`LOCK TABLE ${names.map((name) => qualified(schema, name)).join(', ')} IN ACCESS SHARE MODE`];
}

export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

export function truncate(schema: string, tables: readonly CopyTable[]): string {
  return `TRUNCATE ${tables.map(({ name }) => qualified(schema, name)).join(', ')}`;
}

/** Copies foreign keys aside and user triggers off, so that rows may come in any order and nothing reacts to them. */
export function loosen(
  schema: string,
  tables: readonly CopyTable[],
  keys: readonly CopyConstraint[],
): string {
  return [
    ...keys.map(
      (key) => `ALTER TABLE ${qualified(schema, key.table)} DROP CONSTRAINT ${quoteIdentifier(key.name)}`,
    ),
    ...tables.map(({ name }) => `ALTER TABLE ${qualified(schema, name)} DISABLE TRIGGER USER`),
  ].join(';\n');
}

/** The reverse of `loosen`: every key is checked against all rows. */
export function tighten(
  schema: string,
  tables: readonly CopyTable[],
  keys: readonly CopyConstraint[],
): string {
  return [
    ...tables.map(({ name }) => `ALTER TABLE ${qualified(schema, name)} ENABLE TRIGGER USER`),
    ...keys.map(
      (key) =>
        `ALTER TABLE ${qualified(schema, key.table)} ADD CONSTRAINT ${quoteIdentifier(key.name)} ${key.definition}`,
    ),
  ].join(';\n');
}

export function createPartition(schema: string, { parent, name, bound }: CopyPartition): string {
  return `CREATE TABLE ${qualified(schema, name)} PARTITION OF ${qualified(schema, parent)} ${bound}`;
}

export function copyOut(schema: string, { name, columns }: CopyTable): string {
  const list = columns.map(quoteIdentifier).join(', ');
  return `COPY (SELECT ${list} FROM ${qualified(schema, name)}) TO STDOUT`;
}

export function copyIn(schema: string, { name, columns }: CopyTable): string {
  return `COPY ${qualified(schema, name)} (${columns.map(quoteIdentifier).join(', ')}) FROM STDIN`;
}
