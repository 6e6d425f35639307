import type { ClientBase } from 'pg';
import type { CopyPlace } from './tenant-copy-source.js';
import { qualified } from './tenant-copy-statements.js';

interface MaterializedView {
  readonly name: string;
  readonly isPopulated: boolean;
  /** The materialized views that it reads, through other views too. */
  readonly reads: readonly string[];
}

/** Each after those that it reads: it reads all that they read, and them. */
const VIEWS = `
  WITH RECURSIVE uses (view, used) AS (
    SELECT r.ev_class, d.refobjid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    WHERE n.nspname = $1 AND c.relkind IN ('v', 'm')
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> c.oid
  ), reach (view, used) AS (
    SELECT view, used FROM uses
    UNION
    SELECT r.view, u.used FROM reach r JOIN uses u ON u.view = r.used
  )
  SELECT c.relname AS name, c.relispopulated AS "isPopulated", COALESCE(m.reads, '{}') AS reads
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(o.relname::text) AS reads
    FROM reach r JOIN pg_catalog.pg_class o ON o.oid = r.used AND o.relkind = 'm' WHERE r.view = c.oid
  ) m ON true
  WHERE n.nspname = $1 AND c.relkind = 'm'
  ORDER BY pg_catalog.cardinality(COALESCE(m.reads, '{}')), c.relname`;

/**
 * Fills the target's materialized views from the rows that it has now, where the source's are filled, and empties the
 * others. An empty one that a filled one reads is filled for that one's sake. Returns the filled ones.
 */
export async function refreshViews(
  reader: ClientBase,
  writer: ClientBase,
  { source, target }: { source: CopyPlace; target: CopyPlace },
): Promise<string[]> {
  const filled = (await listViews(reader, source)).filter(({ isPopulated }) => isPopulated);
  const wanted = new Set(filled.map(({ name }) => name));
  const needed = new Set(filled.flatMap(({ name, reads }) => [name, ...reads]));
  const views = await listViews(writer, target);
  const refresh = (name: string) => `REFRESH MATERIALIZED VIEW ${qualified(target.schemaName, name)}`;
  for (const { name } of views) if (needed.has(name)) await writer.query(refresh(name));
  for (const { name, isPopulated } of views) {
    if (wanted.has(name) || !(isPopulated || needed.has(name))) continue;
    await writer.query(`${refresh(name)} WITH NO DATA`);
  }
  return views.map(({ name }) => name).filter((name) => wanted.has(name));
}

async function listViews(client: ClientBase, { schemaName }: CopyPlace): Promise<MaterializedView[]> {
  return (await client.query<MaterializedView>(VIEWS, [schemaName])).rows;
}
