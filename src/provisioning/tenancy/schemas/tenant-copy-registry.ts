import type { ClientBase } from 'pg';
import { RowhouseError } from '../../../kernel/errors.js';
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.js';
import type { CopyPlace } from './tenant-copy-source.js';
import { qualified } from './tenant-copy-statements.js';

interface Reference extends Record<string, unknown> {
  readonly table: string;
  readonly columns: readonly string[];
  /** The table in `shared`. */
  readonly target: string;
  readonly isOwnId: boolean;
}

/** Foreign keys that point into `shared`. */
const REFERENCES = `
  SELECT c.relname AS table, f.relname AS target,
         (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)) AS columns,
         f.relname = 'tenants' AND NOT c.relispartition AND k.confkey = ARRAY(
           SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = f.oid AND a.attname = 'id') AS "isOwnId"
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
  JOIN pg_catalog.pg_namespace s ON s.oid = f.relnamespace
  WHERE n.nspname = $1 AND s.nspname = 'shared' AND k.contype = 'f' AND k.conparentid = 0
  ORDER BY c.relname, k.conname`;

/** What is read in place of a column, as SQL, by table and column. */
export type Replacements = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Rows that name the source as their tenant name the clone in the clone: they would keep the source from being deleted.
 * Throws CONFLICT where rows point at others of `shared`, its users for one: those stay with the source.
 */
export async function replaceOwnId(
  reader: ClientBase,
  { source, target }: { source: CopyPlace; target: CopyPlace },
): Promise<Replacements> {
  const { rows } = await reader.query<Reference>(REFERENCES, [source.schemaName]);
  const replacements = new Map<string, Map<string, string>>();
  for (const reference of rows) {
    if (!reference.isOwnId) await assertUnused(reader, source, reference);
    const [column] = reference.columns;
    if (!reference.isOwnId || column === undefined) continue;
    const known = replacements.get(reference.table) ?? new Map<string, string>();
    replacements.set(reference.table, known.set(column, ownId(column, source.id, target.id)));
  }
  return replacements;
}

function ownId(column: string, from: string, to: string): string {
  const name = quoteIdentifier(column);
  return `CASE ${name} WHEN ${quoteLiteral(from)} THEN ${quoteLiteral(to)} ELSE ${name} END`;
}

async function assertUnused(
  reader: ClientBase,
  { schemaName }: CopyPlace,
  { table, columns, target }: Reference,
): Promise<void> {
  const used = columns.map((column) => `${quoteIdentifier(column)} IS NOT NULL`).join(' AND ');
  const { rows } = await reader.query(`SELECT FROM ${qualified(schemaName, table)} WHERE ${used} LIMIT 1`);
  if (rows.length === 0) return;
  throw new RowhouseError(
    'CONFLICT',
    `Rows of "${table}" point at shared.${target}, which a clone does not have: users and sessions stay with the tenant.`,
  );
}
