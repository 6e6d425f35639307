/**
 * Narrows the system views that name roles: whoever may not act as a role sees it only if it is a built-in one, or
 * owns or may use something in the same database, as dumps need. Superusers see all. The views keep their columns, so
 * psql, pg_dump and the introspection of ORMs work as ever, and no dump carries them, since they are system objects.
 * `security_barrier` keeps a function in a tenant's WHERE from seeing the rows that are filtered out.
 *
 * What PostgreSQL gives no way to hide stays: pg_get_userbyid() and regrole turn an OID into a name, and pg_database
 * shows the names of databases.
 */
export const NARROW_ROLE_VIEWS = `
DO $narrow$
DECLARE
  target record;
BEGIN
  SET LOCAL allow_system_table_mods = on;
  FOR target IN
    SELECT * FROM (VALUES
      ('pg_roles', 'oid'),
      ('pg_user', 'usesysid'),
      ('pg_group', 'grosysid'),
      ('pg_stat_activity', 'usesysid'),
      ('pg_stat_replication', 'usesysid')
    ) AS views (name, role_column)
  LOOP
    EXECUTE pg_catalog.format(
      $view$
        CREATE OR REPLACE VIEW pg_catalog.%1$I WITH (security_barrier) AS
        SELECT narrowed.* FROM (%2$s) narrowed
        WHERE narrowed.%3$I < 16384
           OR narrowed.%3$I IS NULL
           OR pg_catalog.pg_has_role(narrowed.%3$I, 'MEMBER')
           OR narrowed.%3$I IN (
             SELECT d.refobjid FROM pg_catalog.pg_shdepend d
             WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
               AND d.dbid = (SELECT b.oid FROM pg_catalog.pg_database b
                             WHERE b.datname = pg_catalog.current_database()))
      $view$,
      target.name,
      pg_catalog.rtrim(pg_catalog.pg_get_viewdef(('pg_catalog.' || target.name)::pg_catalog.regclass), ';'),
      target.role_column);
  END LOOP;
END
$narrow$;`;
