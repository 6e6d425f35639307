-- Logins of a home besides its own: roles made over the API, and the second login of a rotation with overlap.

CREATE TABLE login_roles (
  id uuid PRIMARY KEY,
  database_id uuid REFERENCES databases (id) ON DELETE CASCADE,
  tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
  -- `role`: asked for over the API. `rotation`: takes turns with the home's own login.
  purpose text NOT NULL CHECK (purpose IN ('role', 'rotation')),
  -- What the caller calls it; unique within the home.
  name text NOT NULL,
  username text NOT NULL UNIQUE,
  role_oid oid,
  access text NOT NULL CHECK (access IN ('readonly', 'readwrite', 'owner')),
  status text NOT NULL CHECK (status IN ('creating', 'active', 'suspended', 'deleting', 'failed')),
  max_connections integer NOT NULL CHECK (max_connections > 0),
  -- Networks of its own, instead of its home's; null: those of its home.
  networks cidr[],
  expires_at timestamptz(3),
  scram_verifier text,
  password_ciphertext text,
  next_scram_verifier text,
  next_password_ciphertext text,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(database_id, tenant_id) = 1)
);

CREATE UNIQUE INDEX login_roles_of_database ON login_roles (database_id, name);
CREATE UNIQUE INDEX login_roles_of_tenant ON login_roles (tenant_id, name);
CREATE INDEX login_roles_to_expire ON login_roles (expires_at) WHERE expires_at IS NOT NULL;
