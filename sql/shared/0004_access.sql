-- Who may read what of `shared`. PUBLIC has nothing, nobody but the provisioner and its members writes, and what proves
-- an identity (password_hash, mfa_secret, token_hash) stays with them, but in a tenant's own database: 0010.

ALTER TABLE shared.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE shared.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE shared.sessions ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own_row ON shared.tenants;
DROP POLICY IF EXISTS own_rows ON shared.users;
DROP POLICY IF EXISTS own_rows ON shared.sessions;
DROP POLICY IF EXISTS all_rows ON shared.tenants;
DROP POLICY IF EXISTS all_rows ON shared.users;
DROP POLICY IF EXISTS all_rows ON shared.sessions;

DO $$
DECLARE
  tenants CONSTANT name := shared.host_role('tenants');
  readonly CONSTANT name := shared.host_role('readonly');
  readers CONSTANT text := pg_catalog.format('%I, %I', shared.host_role('app'), readonly);
  everybody CONSTANT text := pg_catalog.format('%I, %s', tenants, readers);
BEGIN
  EXECUTE pg_catalog.format($sql$
    REVOKE ALL ON SCHEMA shared FROM PUBLIC, %1$s;
    REVOKE ALL ON ALL TABLES IN SCHEMA shared FROM PUBLIC, %1$s;
    GRANT USAGE ON SCHEMA shared TO %1$s;

    GRANT SELECT ON shared.tenants TO %1$s;
    GRANT SELECT (id, tenant_id, email, display_name, status, email_verified_at, last_login_at, created_at, updated_at)
      ON shared.users TO %1$s;
    GRANT SELECT (id, tenant_id, user_id, ip_address, user_agent, created_at, last_seen_at, expires_at, revoked_at)
      ON shared.sessions TO %1$s;
    GRANT SELECT ON shared.schema_versions TO %2$I;
  $sql$, everybody, readonly);

  EXECUTE pg_catalog.format($sql$
    CREATE POLICY own_row ON shared.tenants FOR SELECT TO %1$I USING (schema_name = current_user);
    CREATE POLICY own_rows ON shared.users FOR SELECT TO %1$I
      USING (tenant_id IN (SELECT t.id FROM shared.tenants t WHERE t.schema_name = current_user));
    CREATE POLICY own_rows ON shared.sessions FOR SELECT TO %1$I
      USING (tenant_id IN (SELECT t.id FROM shared.tenants t WHERE t.schema_name = current_user));
    CREATE POLICY all_rows ON shared.tenants FOR SELECT TO %2$s USING (true);
    CREATE POLICY all_rows ON shared.users FOR SELECT TO %2$s USING (true);
    CREATE POLICY all_rows ON shared.sessions FOR SELECT TO %2$s USING (true);
  $sql$, tenants, readers);
END
$$;
