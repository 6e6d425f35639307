-- Throw-away tenants of the leak self-test, known before they exist: what a test that died left behind is cleared up.

CREATE TABLE leak_probes (
  -- The operation that tests with it.
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES servers (id),
  database_id uuid NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
  -- The pooler's alias, of one server connection; the two schemas and their logins have its name and _a, _b.
  alias text NOT NULL UNIQUE,
  tenant_a uuid NOT NULL,
  tenant_b uuid NOT NULL,
  -- Whether the alias is to be served; the row stays until the operation has ended.
  is_open boolean NOT NULL DEFAULT true,
  report jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX leak_probes_by_database ON leak_probes (database_id);
CREATE INDEX leak_probes_by_server ON leak_probes (server_id);
