/** Schemas whose own ledger is past the version that is known of them, or in the middle of one. */
export const FIND_MIGRATING = `
  SELECT DISTINCT v.schema_name AS schema
  FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::integer[])) AS known (schema, version)
  JOIN shared.schema_versions v ON v.schema_name = known.schema::name
  WHERE v.template_id = $1 AND (v.version > known.version OR v.state = 'applying')`;

/** Schemas by their names and by the OIDs that they were made with. */
export const FIND_SCHEMAS = `
  SELECT n.oid, n.nspname AS name FROM pg_catalog.pg_namespace n
  WHERE n.nspname = ANY ($1::text[]) OR n.oid = ANY ($2::oid[])`;

/**
 * What in the schemas does not belong to the provisioner, whose session this is, or lacks rights that the role `$2` of
 * the same position should have; null is a role that needs none. Partitions are reached through their tables.
 */
export const FIND_ACCESS_DRIFT = `
  WITH wanted AS (
    SELECT n.oid, n.nspname, n.nspowner, r.oid AS role
    FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS w (schema, role)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.role
  ), relations AS (
    SELECT w.nspname, w.role, c.oid, c.relowner, pg_catalog.quote_ident(c.relname) AS name,
           CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
           CASE c.relkind WHEN 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] WHEN 'm' THEN ARRAY['SELECT'] WHEN 'v' THEN ARRAY['SELECT']
                          ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END AS rights
    FROM wanted w JOIN pg_catalog.pg_class c ON c.relnamespace = w.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                        AND d.deptype IN ('e', 'i'))
  ), granted AS (
    SELECT r.*, ARRAY(
      SELECT p FROM pg_catalog.unnest(r.rights) p
      WHERE CASE r.kind WHEN 'sequence' THEN pg_catalog.has_sequence_privilege(r.role, r.oid, p)
            ELSE pg_catalog.has_table_privilege(r.role, r.oid, p) END) AS held
    FROM relations r WHERE r.role IS NOT NULL
  )
  SELECT nspname AS schema, 'owner of the schema' AS object, current_user::text AS expected,
         pg_catalog.pg_get_userbyid(nspowner)::text AS actual
  FROM wanted WHERE pg_catalog.pg_get_userbyid(nspowner) NOT IN (current_user, 'pg_database_owner')
  UNION ALL
  SELECT nspname, pg_catalog.format('owner of %s %s', kind, name), current_user, pg_catalog.pg_get_userbyid(relowner)
  FROM relations WHERE pg_catalog.pg_get_userbyid(relowner) <> current_user
  UNION ALL
  SELECT nspname, 'rights on the schema', 'USAGE', 'none'
  FROM wanted WHERE role IS NOT NULL AND NOT pg_catalog.has_schema_privilege(role, oid, 'USAGE')
  UNION ALL
  SELECT nspname, pg_catalog.format('rights on %s %s', kind, name), pg_catalog.array_to_string(rights, ', '),
         COALESCE(NULLIF(pg_catalog.array_to_string(held, ', '), ''), 'none')
  FROM granted WHERE held <> rights
  ORDER BY 1, 2`;
