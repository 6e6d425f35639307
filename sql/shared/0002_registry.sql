-- Who lives in this database, and the people who use their applications.

CREATE TABLE IF NOT EXISTS shared.tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT tenants_slug_key UNIQUE,
  name text NOT NULL,
  schema_name name NOT NULL CONSTRAINT tenants_schema_name_key UNIQUE,
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('creating', 'active', 'suspended', 'deleting', 'failed')),
  template_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE shared.tenants IS
  'The tenants of this database. A tenant reads its own row only: the one whose schema_name is its login''s name.';
COMMENT ON COLUMN shared.tenants.schema_name IS 'The schema of its tables, and the name of its login role.';
COMMENT ON COLUMN shared.tenants.template_id IS 'The template that its schema was made from; null is none.';

CREATE TABLE IF NOT EXISTS shared.users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES shared.tenants (id) ON DELETE CASCADE,
  email text NOT NULL CHECK (email LIKE '%_@_%'),
  display_name text,
  password_hash text,
  mfa_secret text,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('invited', 'active', 'locked', 'disabled')),
  email_verified_at timestamptz,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_tenant_key UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON shared.users (tenant_id, lower(email));
COMMENT ON TABLE shared.users IS
  'The people who log in to tenants'' applications. An address occurs once in a tenant, in whatever case.';
COMMENT ON COLUMN shared.users.password_hash IS 'For the provisioner and its members; in a tenant''s own database also for its readonly roles.';
COMMENT ON COLUMN shared.users.mfa_secret IS 'For the provisioner and its members; in a tenant''s own database also for its readonly roles.';

CREATE TABLE IF NOT EXISTS shared.sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES shared.tenants (id) ON DELETE CASCADE,
  user_id uuid NOT NULL,
  token_hash text NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
  ip_address inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  -- A session belongs to the tenant of its user.
  CONSTRAINT sessions_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES shared.users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS sessions_by_user ON shared.sessions (tenant_id, user_id);
CREATE INDEX IF NOT EXISTS sessions_by_expiry ON shared.sessions (expires_at);
COMMENT ON TABLE shared.sessions IS 'Logins of users; valid until expires_at unless revoked.';
COMMENT ON COLUMN shared.sessions.token_hash IS 'For the provisioner and its members; in a tenant''s own database also for its readonly roles.';

CREATE OR REPLACE FUNCTION shared.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION shared.touch_updated_at() IS 'Trigger: sets updated_at to the time of the transaction.';

CREATE OR REPLACE TRIGGER touch_updated_at BEFORE UPDATE ON shared.tenants
  FOR EACH ROW EXECUTE FUNCTION shared.touch_updated_at();
CREATE OR REPLACE TRIGGER touch_updated_at BEFORE UPDATE ON shared.users
  FOR EACH ROW EXECUTE FUNCTION shared.touch_updated_at();
