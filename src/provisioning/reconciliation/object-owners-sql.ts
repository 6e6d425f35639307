/** A schema, relation, function or type. */
export interface ObjectRow extends Record<string, unknown> {
  readonly schema: string;
  /** What it is and its name, alike in every schema; of a function with a digest of what it does. */
  readonly key: string;
  /** The same without the digest. */
  readonly label: string;
  readonly owner: string;
  /** What gives it to the role `%I`; null for what follows another object. */
  readonly alter: string | null;
}

/**
 * What stands in the schemas `$1`, one row for each object that has an owner of its own: partitions under the name of
 * the table that they are of; not what belongs to extensions, to identity columns or to serial columns.
 */
const OBJECTS = `
  WITH wanted AS (
    SELECT n.oid, n.nspname, n.nspowner, pg_catalog.quote_ident(n.nspname) || '.' AS prefix
    FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1::text[])
  ), objects AS (
    SELECT w.nspname AS schema, 'schema' AS key, 'schema' AS label, w.nspowner AS owner,
           pg_catalog.format('ALTER SCHEMA %I OWNER TO ', w.nspname) AS alter
    FROM wanted w
    UNION ALL
    SELECT w.nspname, k.name, k.name, c.relowner,
           pg_catalog.format('ALTER %s %I.%I OWNER TO ',
             CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
             w.nspname, c.relname)
    FROM wanted w JOIN pg_catalog.pg_class c ON c.relnamespace = w.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    LEFT JOIN pg_catalog.pg_class root ON c.relispartition AND root.oid = pg_catalog.pg_partition_root(c.oid)
    CROSS JOIN LATERAL (
      SELECT pg_catalog.format('%s %I',
        CASE COALESCE(root.relkind, c.relkind) WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
          WHEN 'p' THEN 'partitioned table' ELSE 'table' END, COALESCE(root.relname, c.relname)) AS name) k
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND (d.deptype = 'e' OR c.relkind = 'S' AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT w.nspname,
           pg_catalog.concat_ws(' ', k.name, pg_catalog.md5(pg_catalog.replace(pg_catalog.replace(pg_catalog.concat_ws('|',
             COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc), p.probin, p.prosecdef, l.lanname,
             pg_catalog.pg_get_function_result(p.oid), p.proconfig::text), w.nspname, ''), 'public', ''))),
           k.name, p.proowner,
           pg_catalog.format('ALTER ROUTINE %I.%I(%s) OWNER TO ', w.nspname, p.proname,
                             pg_catalog.pg_get_function_identity_arguments(p.oid))
    FROM wanted w JOIN pg_catalog.pg_proc p ON p.pronamespace = w.oid AND p.prokind IN ('f', 'p')
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    CROSS JOIN LATERAL (SELECT pg_catalog.replace(pg_catalog.format('%s %I(%s)',
      CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.proname,
      pg_catalog.pg_get_function_identity_arguments(p.oid)), w.prefix, '') AS name) k
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT w.nspname, k.name, k.name, t.typowner, pg_catalog.format('ALTER TYPE %I.%I OWNER TO ', w.nspname, t.typname)
    FROM wanted w JOIN pg_catalog.pg_type t ON t.typnamespace = w.oid
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    CROSS JOIN LATERAL (SELECT pg_catalog.format('type %I', t.typname) AS name) k
    WHERE (t.typtype IN ('e', 'r', 'd') OR t.typtype = 'c' AND c.relkind = 'c')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e')
  )
  SELECT schema, key, label, pg_catalog.pg_get_userbyid(owner)::text AS owner, alter FROM objects`;

/** What the schemas `$1` have. */
export const LIST_OBJECTS = OBJECTS;

/** What in the schemas `$1` does not belong to the role `$2`. `public` itself belongs to the database's owner. */
export const LIST_STRAYS = `${OBJECTS}
  WHERE pg_catalog.pg_get_userbyid(owner) <> $2 AND NOT (schema = 'public' AND key = 'schema')
  ORDER BY schema, label`;

/** Whether the schema `shared` is there, the OID of `public`, and what the role `$1` may not do. */
export const LOOK_AT_HOST = `
  SELECT pg_catalog.to_regnamespace('shared') IS NOT NULL AS "hasShared",
         pg_catalog.to_regnamespace('public')::oid AS "publicOid",
         ARRAY(SELECT 'CREATE on the database'
               WHERE NOT pg_catalog.has_database_privilege($1, pg_catalog.current_database(), 'CREATE')
               UNION ALL
               SELECT 'CREATE and USAGE on the schema public'
               WHERE $2 AND pg_catalog.to_regnamespace('public') IS NOT NULL
                 AND NOT (pg_catalog.has_schema_privilege($1, 'public', 'CREATE')
                          AND pg_catalog.has_schema_privilege($1, 'public', 'USAGE'))) AS lacks`;

export interface HostLook extends Record<string, unknown> {
  readonly hasShared: boolean;
  readonly publicOid: number | null;
  readonly lacks: readonly string[];
}
