-- Roles that read one tenant: members of "<schema>_ro", itself a member of "<database>_readers". They see of `shared`
-- what the tenant's own login sees.

CREATE OR REPLACE FUNCTION shared.readable_schema() RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(pg_get_userbyid(m.roleid)::text, -3)::name
  FROM pg_auth_members m
  WHERE m.member = to_regrole(quote_ident(current_user))
    AND pg_get_userbyid(m.roleid)::text LIKE '%\_ro'
    AND pg_has_role(m.roleid, to_regrole(quote_ident(current_database() || '_readers')), 'MEMBER')
  LIMIT 1
$$;
COMMENT ON FUNCTION shared.readable_schema() IS
  'The schema that the current role may read as a member of its group of readers; null for everybody else.';

DROP POLICY IF EXISTS readable_row ON shared.tenants;
DROP POLICY IF EXISTS readable_rows ON shared.users;
DROP POLICY IF EXISTS readable_rows ON shared.sessions;

DO $$
DECLARE
  readers CONSTANT name := shared.host_role('readers');
BEGIN
  -- Absent around a database that was made a host by hand: then nobody only reads.
  IF pg_catalog.to_regrole(pg_catalog.quote_ident(readers)) IS NULL THEN
    RETURN;
  END IF;

  EXECUTE pg_catalog.format($sql$
    GRANT USAGE ON SCHEMA shared TO %1$I;
    GRANT EXECUTE ON FUNCTION shared.readable_schema() TO %1$I;
    GRANT SELECT ON shared.tenants TO %1$I;
    GRANT SELECT (id, tenant_id, email, display_name, status, email_verified_at, last_login_at, created_at, updated_at)
      ON shared.users TO %1$I;
    GRANT SELECT (id, tenant_id, user_id, ip_address, user_agent, created_at, last_seen_at, expires_at, revoked_at)
      ON shared.sessions TO %1$I;

    CREATE POLICY readable_row ON shared.tenants FOR SELECT TO %1$I
      USING (schema_name = (SELECT shared.readable_schema()));
    CREATE POLICY readable_rows ON shared.users FOR SELECT TO %1$I
      USING (tenant_id IN (SELECT t.id FROM shared.tenants t WHERE t.schema_name = (SELECT shared.readable_schema())));
    CREATE POLICY readable_rows ON shared.sessions FOR SELECT TO %1$I
      USING (tenant_id IN (SELECT t.id FROM shared.tenants t WHERE t.schema_name = (SELECT shared.readable_schema())));
  $sql$, readers);
END
$$;
