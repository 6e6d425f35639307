/** What a transaction of a template may have made or changed besides its own schema, which is `$1`. */

/** Files of tables get new numbers when the tables are emptied or written anew. */
export const FIND_OUTSIDE = `
  SELECT 'schema ' || pg_catalog.quote_ident(n.nspname) AS object, NULL AS parent, '' AS definition
  FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^(scratch_|pg_temp_|pg_toast_temp_)'
  UNION ALL
  SELECT 'contents of ' || pg_catalog.format('%I.%I', n.nspname, c.relname), NULL, c.relfilenode::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('shared', 'public') AND c.relkind IN ('r', 'm', 'S')`;

/** Rows of other schemas that this transaction wrote. Temporary tables are the session's own. */
export const FIND_WRITTEN = `
  SELECT pg_catalog.format('%I.%I', s.schemaname, s.relname) AS name
  FROM pg_catalog.pg_stat_xact_all_tables s
  WHERE s.schemaname <> $1 AND s.schemaname !~ '^pg_'
    AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
  ORDER BY 1`;

/** Functions that run with the rights of the owner, who owns the tables of all tenants. */
export const FIND_DEFINERS = `
  SELECT p.oid::pg_catalog.regprocedure::text AS name
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = $1 AND p.prosecdef ORDER BY 1`;

/** Tables that are parts of tables elsewhere, through which others would read them. */
export const FIND_ADOPTED = `
  SELECT c.relname AS name, pg_catalog.format('%I.%I', pn.nspname, p.relname) AS parent
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
  WHERE (n.nspname = $1) <> (pn.nspname = $1)
  ORDER BY 1`;

/**
 * Views and rules that reach tables of other schemas, be it through further views, with the rights of their owner: they
 * would show every tenant the rows of all.
 */
export const FIND_OPEN_VIEWS = `
  WITH RECURSIVE readers AS (
    SELECT c.oid, c.relname,
           c.relkind = 'v' AND COALESCE((SELECT o.option_value::boolean
             FROM pg_catalog.pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false)
             AS "runsAsCaller"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relhasrules
  ), reads AS (
    SELECT DISTINCT w.ev_class AS reader, d.refobjid AS relation
    FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> w.ev_class
    WHERE w.ev_class IN (SELECT oid FROM readers)
  ), reached AS (
    SELECT reader, relation FROM reads
    UNION
    SELECT r.reader, s.relation FROM reached r JOIN reads s ON s.reader = r.relation
  )
  SELECT DISTINCT v.relname AS name, pg_catalog.format('%I.%I', n.nspname, c.relname) AS relation
  FROM reached r
  JOIN readers v ON v.oid = r.reader AND NOT v."runsAsCaller"
  JOIN pg_catalog.pg_class c ON c.oid = r.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ($1, 'pg_catalog', 'information_schema')
  ORDER BY 1, 2`;

/**
 * What would still be there for the next user of the session, which Rowhouse has sealed by its application name and which
 * acts as the owner of `shared`.
 */
export const FIND_SESSION_STATE = `
  SELECT 'the setting ' || name AS name FROM pg_catalog.pg_settings WHERE source = 'session' AND (name <> 'application_name' OR setting !~ '^rowhouse [0-9a-f]{32}$')
  UNION ALL
  SELECT 'the role ' || current_user FROM pg_catalog.pg_namespace
  WHERE nspname = 'shared' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user
  UNION ALL
  SELECT 'the prepared statement ' || name FROM pg_catalog.pg_prepared_statements
  UNION ALL
  SELECT 'the cursor ' || name FROM pg_catalog.pg_cursors WHERE is_holdable
  UNION ALL
  SELECT 'LISTEN ' || channel FROM pg_catalog.pg_listening_channels() AS channel
  UNION ALL
  SELECT 'the temporary ' || CASE relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' ELSE 'object ' END || relname
  FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'v', 'S', 'm')
  UNION ALL
  SELECT 'an advisory lock' FROM pg_catalog.pg_locks
  WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()
  ORDER BY 1`;
