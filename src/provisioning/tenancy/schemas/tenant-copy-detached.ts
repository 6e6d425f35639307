import type { ClientBase } from 'pg';
import type { CopyTable } from './tenant-copy-sql.js';
import { dropTable } from './tenant-copy-statements.js';

/**
 * The statements that make the table `$1` again, named as the session's search_path shows names. Columns that were added
 * to its former table since it was detached are not in it, so that table is no model for it.
 */
const DEFINITION = `
  WITH it AS (
    SELECT c.*, pg_catalog.quote_ident(c.relname) AS named FROM pg_catalog.pg_class c WHERE c.oid = $1::oid
  ), columns AS (
    SELECT a.attnum, pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname),
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN (
          SELECT pg_catalog.format('COLLATE %I.%I', n.nspname, l.collname)
          FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
          WHERE l.oid = a.attcollation) END,
        CASE a.attgenerated WHEN '' THEN 'DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)
          ELSE pg_catalog.format('GENERATED ALWAYS AS (%s) %s', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                                 CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END) AS sql
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
  ), statements (position, sql) AS (
    SELECT 1, pg_catalog.format('CREATE %sTABLE %s (%s)', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' END, named,
        (SELECT pg_catalog.string_agg(sql, ', ' ORDER BY attnum) FROM columns))
    FROM it
    UNION ALL
    SELECT CASE o.contype WHEN 'f' THEN 4 ELSE 2 END, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', named,
        o.conname, pg_catalog.pg_get_constraintdef(o.oid))
    FROM it JOIN pg_catalog.pg_constraint o ON o.conrelid = it.oid AND o.contype IN ('p', 'u', 'x', 'c', 'f')
    UNION ALL
    SELECT 3, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true)
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = $1::oid AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid AND o.conrelid = $1::oid)
    UNION ALL
    SELECT 5, s.sql FROM shared.table_traits($1::oid::pg_catalog.regclass, (SELECT named FROM it)) AS s (sql)
    UNION ALL
    SELECT 5, s.sql FROM shared.row_security($1::oid::pg_catalog.regclass, (SELECT named FROM it)) AS s (sql)
    UNION ALL
    SELECT 6, pg_catalog.format('COMMENT ON %s IS %L',
        CASE d.objsubid WHEN 0 THEN 'TABLE ' || named
          ELSE 'COLUMN ' || named || '.' || pg_catalog.quote_ident(a.attname) END, d.description)
    FROM it JOIN pg_catalog.pg_description d
      ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = it.oid
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = it.oid AND a.attnum = d.objsubid
  )
  SELECT sql FROM statements ORDER BY position, sql`;

/** Makes the tables that policies have detached in the source. What the template has of that name is another one. */
export async function makeDetached(
  reader: ClientBase,
  writer: ClientBase,
  { tables, made, schema }: { tables: readonly CopyTable[]; made: readonly CopyTable[]; schema: string },
): Promise<void> {
  const present = new Map(made.map((table) => [table.name, table]));
  for (const table of tables.filter(({ isDetached }) => isDetached)) {
    const known = present.get(table.name);
    if (known && table.columns.every((column) => known.columns.includes(column))) continue;
    const { rows } = await reader.query<{ sql: string }>(DEFINITION, [table.oid]);
    await writer.query([dropTable(schema, table.name), ...rows.map(({ sql }) => sql)].join(';\n'));
  }
}
