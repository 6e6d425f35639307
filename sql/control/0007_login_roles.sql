-- Logins of a home besides its own: roles made over the API, and the second login of a rotation with overlap.

CREATE TABLE login_roles (
  id uuid PRIMARY KEY,
  database_id uuid REFERENCES databases (id) ON DELETE CASCADE,
  tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
  -- `role`: asked for over the API. `rotation`: takes turns with the home's own login, whose credentials and limits
  -- are the home's; verifier and ciphertext are null here.
  purpose text NOT NULL CHECK (purpose IN ('role', 'rotation')),
  -- What the caller calls it; unique within the home.
  name text NOT NULL,
  username text NOT NULL UNIQUE,
  role_oid oid,
  access text NOT NULL CHECK (access IN ('readonly', 'readwrite', 'owner')),
  -- Whether its home is suspended is the home's status.
  status text NOT NULL CHECK (status IN ('creating', 'active', 'deleting', 'failed')),
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

-- Which of a home's two logins is the current one; verifier and ciphertext of the row are its.
ALTER TABLE databases
  ADD COLUMN login text NOT NULL DEFAULT 'own' CHECK (login IN ('own', 'second')),
  -- The one whose turn comes with the rotation under way, together with the `next_` credentials; null: the same.
  ADD COLUMN next_login text CHECK (next_login IN ('own', 'second')),
  -- Since when its password is in force; null: since the home was made.
  ADD COLUMN login_since timestamptz(3);

ALTER TABLE tenants
  ADD COLUMN login text NOT NULL DEFAULT 'own' CHECK (login IN ('own', 'second')),
  ADD COLUMN next_login text CHECK (next_login IN ('own', 'second')),
  ADD COLUMN login_since timestamptz(3);

-- A home's other login, while it still works beside the current one.
CREATE TABLE login_overlaps (
  username text PRIMARY KEY,
  database_id uuid UNIQUE REFERENCES databases (id) ON DELETE CASCADE,
  tenant_id uuid UNIQUE REFERENCES tenants (id) ON DELETE CASCADE,
  scram_verifier text NOT NULL,
  ends_at timestamptz(3) NOT NULL,
  ends_when_unused boolean NOT NULL,
  -- Since when no session of it was seen; null while there is one.
  unused_since timestamptz(3),
  CHECK (num_nonnulls(database_id, tenant_id) = 1)
);

CREATE INDEX login_overlaps_to_end ON login_overlaps (ends_at);
