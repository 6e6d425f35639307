-- A tenant with a database of its own is alone with its tables and with `shared`: its readonly roles read all of it, so
-- that pg_dump works for them. Column rights are not enough for pg_dump's LOCK TABLE, and it refuses row security.

CREATE OR REPLACE FUNCTION shared.open_own_database() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM shared.tenants t WHERE t.schema_name <> 'public')
     OR NOT EXISTS (SELECT FROM shared.tenants t WHERE t.schema_name = 'public') THEN
    RETURN;
  END IF;
  EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA shared TO %I', shared.host_role('readonly'));
  ALTER TABLE shared.tenants DISABLE ROW LEVEL SECURITY;
  ALTER TABLE shared.users DISABLE ROW LEVEL SECURITY;
  ALTER TABLE shared.sessions DISABLE ROW LEVEL SECURITY;
END
$$;
COMMENT ON FUNCTION shared.open_own_database() IS
  'Lets the readonly roles of a tenant with a database of its own read all of shared, as pg_dump does. Does nothing where tenants'' schemas are.';

CREATE OR REPLACE FUNCTION shared.close_own_database() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT bool_and(c.relrowsecurity) FROM pg_class c
      WHERE c.oid IN ('shared.tenants'::regclass, 'shared.users'::regclass, 'shared.sessions'::regclass)) THEN
    RETURN;
  END IF;
  ALTER TABLE shared.tenants ENABLE ROW LEVEL SECURITY;
  ALTER TABLE shared.users ENABLE ROW LEVEL SECURITY;
  ALTER TABLE shared.sessions ENABLE ROW LEVEL SECURITY;
  EXECUTE format($sql$
    REVOKE ALL ON ALL TABLES IN SCHEMA shared FROM %1$I;
    GRANT SELECT ON shared.tenants, shared.schema_versions TO %1$I;
    GRANT SELECT (id, tenant_id, email, display_name, status, email_verified_at, last_login_at, created_at, updated_at)
      ON shared.users TO %1$I;
    GRANT SELECT (id, tenant_id, user_id, ip_address, user_agent, created_at, last_seen_at, expires_at, revoked_at)
      ON shared.sessions TO %1$I;
  $sql$, shared.host_role('readonly'));
END
$$;
COMMENT ON FUNCTION shared.close_own_database() IS
  'Undoes shared.open_own_database before a second tenant moves in.';

REVOKE ALL ON FUNCTION shared.open_own_database(), shared.close_own_database() FROM PUBLIC;

SELECT shared.open_own_database();
