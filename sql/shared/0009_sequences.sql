-- Brings schemas of earlier releases up to date: tenants set their sequences (an import with ids, one's own dump), and
-- the reading role reads them (pg_dump). New schemas get both from shared.create_tenant_schema.

DO $$
DECLARE
  readonly CONSTANT name := shared.host_role('readonly');
  item record;
BEGIN
  FOR item IN
    SELECT pg_catalog.format(
      'ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO %1$I;
       ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT SELECT ON SEQUENCES TO %2$I', t.schema_name, readonly) AS sql
    FROM shared.tenants t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name
    WHERE shared.is_tenant_role(t.schema_name) AND pg_catalog.pg_get_userbyid(n.nspowner) = current_user
    UNION ALL
    SELECT pg_catalog.format(
      'GRANT USAGE, SELECT, UPDATE ON SEQUENCE %1$I.%2$I TO %1$I; GRANT SELECT ON SEQUENCE %1$I.%2$I TO %3$I',
      n.nspname, c.relname, readonly)
    FROM shared.tenants t
    JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = 'S'
    WHERE shared.is_tenant_role(t.schema_name) AND pg_catalog.pg_get_userbyid(c.relowner) = current_user
      AND NOT (pg_catalog.has_sequence_privilege(t.schema_name, c.oid, 'UPDATE')
               AND pg_catalog.has_sequence_privilege(readonly, c.oid, 'SELECT'))
  LOOP
    BEGIN
      EXECUTE item.sql;
    EXCEPTION WHEN undefined_table OR invalid_schema_name THEN
      NULL; -- It was dropped meanwhile.
    END;
  END LOOP;
END
$$;
