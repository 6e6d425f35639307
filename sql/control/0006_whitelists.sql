-- From where homes may be reached. Rules of a tenant with a database of its own are that database's.

ALTER TABLE databases
  -- Who gets in while there is no rule: everybody with TLS (true), nobody (false), or as DEFAULT_ACCESS says (null).
  ADD COLUMN external_access boolean,
  -- Counts the changes of the list: its ETag.
  ADD COLUMN whitelist_revision integer NOT NULL DEFAULT 0,
  -- How many rules the list has, without those that were taken away. Changes together with the revision.
  ADD COLUMN whitelist_size integer NOT NULL DEFAULT 0;

ALTER TABLE tenants
  ADD COLUMN external_access boolean,
  ADD COLUMN whitelist_revision integer NOT NULL DEFAULT 0,
  ADD COLUMN whitelist_size integer NOT NULL DEFAULT 0;

CREATE TABLE whitelist_rules (
  id uuid PRIMARY KEY,
  database_id uuid REFERENCES databases (id) ON DELETE CASCADE,
  tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
  network cidr NOT NULL,
  description text NOT NULL DEFAULT '',
  -- A rule that has expired admits nobody and stays: a list that ran empty by itself must not open its home to all.
  expires_at timestamptz(3),
  -- When an operation was begun that puts its end in force: of many processes one begins it.
  expiring_at timestamptz(3),
  -- When its end was put in force on both ports.
  expired_at timestamptz(3),
  -- When both ports were seen to have it.
  applied_at timestamptz(3),
  -- Taken away, but in force until both ports were seen without it; then the row goes.
  removed_at timestamptz(3),
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(database_id, tenant_id) = 1)
);

CREATE UNIQUE INDEX whitelist_rules_of_database ON whitelist_rules (database_id, network) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX whitelist_rules_of_tenant ON whitelist_rules (tenant_id, network) WHERE removed_at IS NULL;
CREATE INDEX whitelist_rules_by_database ON whitelist_rules (database_id, created_at, id);
CREATE INDEX whitelist_rules_by_tenant ON whitelist_rules (tenant_id, created_at, id);
CREATE INDEX whitelist_rules_to_expire ON whitelist_rules (expires_at)
  WHERE expired_at IS NULL AND expiring_at IS NULL AND expires_at IS NOT NULL;

-- The addresses from which Rowhouse and the pooler themselves come, as the other side sees them. They are always
-- admitted: a pooled client reaches PostgreSQL from the pooler's. None where they meet over Unix sockets.
CREATE TABLE access_peers (
  server_id uuid NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  port text NOT NULL CHECK (port IN ('direct', 'pooled')),
  address inet NOT NULL,
  seen_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (server_id, port, address)
);
