-- Tenants, the databases that host them, the templates they carry, and the work that goes over all of them.

CREATE TABLE host_groups (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  owner_email text NOT NULL,
  -- The budget: tenant schemas in one hosting database, and hosting databases; null is no limit.
  tenants_per_database integer NOT NULL CHECK (tenants_per_database > 0),
  max_databases integer CHECK (max_databases > 0),
  -- CONNECTION LIMIT of the owner's role of each hosting database.
  max_connections integer NOT NULL CHECK (max_connections > 0),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What makes a managed database a tenant host: the schema `shared` and the roles around it.
CREATE TABLE hosts (
  id uuid PRIMARY KEY,
  database_id uuid NOT NULL UNIQUE REFERENCES databases (id) ON DELETE CASCADE,
  group_id uuid REFERENCES host_groups (id),
  status text NOT NULL CHECK (status IN ('preparing', 'ready', 'failed')),
  max_tenants integer NOT NULL CHECK (max_tenants > 0),
  app_verifier text NOT NULL,
  app_ciphertext text,
  readonly_verifier text NOT NULL,
  readonly_ciphertext text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX hosts_by_group ON hosts (group_id, created_at);

CREATE TABLE templates (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  description text NOT NULL DEFAULT '',
  status text NOT NULL CHECK (status IN ('active', 'retired')),
  -- The newest version; 0 while there is none.
  latest_version integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX templates_by_age ON templates (created_at, id);

CREATE TABLE template_versions (
  template_id uuid NOT NULL REFERENCES templates (id),
  number integer NOT NULL CHECK (number > 0),
  checksum text NOT NULL,
  description text NOT NULL DEFAULT '',
  -- Whether it runs in one transaction; else statement by statement (CREATE INDEX CONCURRENTLY).
  transactional boolean NOT NULL,
  -- As they were given: [{name, kind: schema | seed, sql}].
  files jsonb NOT NULL,
  -- What a new schema runs instead: the same without CONCURRENTLY.
  fresh_files jsonb NOT NULL,
  -- The statements of a version that is not transactional: [{sql, action, index}].
  statements jsonb NOT NULL DEFAULT '[]',
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (template_id, number)
);

-- Numbers in schema names; a number that was given is never given again.
CREATE SEQUENCE tenant_numbers MAXVALUE 9999999;

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  isolation text NOT NULL CHECK (isolation IN ('schema', 'database')),
  status text NOT NULL CHECK (status IN ('creating', 'active', 'suspended', 'deleting', 'failed')),
  server_id uuid NOT NULL REFERENCES servers (id),
  -- The host of a schema; the tenant's own database with isolation `database`, null once that is deleted.
  database_id uuid REFERENCES databases (id) ON DELETE SET NULL,
  schema_name text NOT NULL,
  schema_oid oid,
  -- The tenant's own login. With isolation `database` these are the database's, and null here.
  username text UNIQUE,
  role_oid oid,
  scram_verifier text,
  password_ciphertext text,
  next_scram_verifier text,
  next_password_ciphertext text,
  max_connections integer NOT NULL CHECK (max_connections > 0),
  statement_timeout_ms integer NOT NULL,
  lock_timeout_ms integer NOT NULL,
  idle_in_transaction_timeout_ms integer NOT NULL,
  template_id uuid REFERENCES templates (id),
  template_version integer NOT NULL DEFAULT 0,
  deletion_protection boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}',
  cloned_from uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (database_id, schema_name)
) WITH (fillfactor = 60);

CREATE INDEX tenants_by_age ON tenants (created_at, id);
-- Without the version: a migration changes it in every row, which touches no index that way (HOT; hence the fillfactor).
CREATE INDEX tenants_by_template ON tenants (template_id);
CREATE INDEX tenants_by_server ON tenants (server_id);

-- Finished tenant schemas that nobody owns yet, at a template's newest version; their roles cannot log in.
CREATE TABLE warm_schemas (
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES servers (id),
  database_id uuid NOT NULL REFERENCES databases (id),
  template_id uuid NOT NULL REFERENCES templates (id),
  template_version integer NOT NULL,
  schema_name text NOT NULL,
  schema_oid oid,
  username text NOT NULL UNIQUE,
  role_oid oid,
  scram_verifier text,
  password_ciphertext text,
  state text NOT NULL CHECK (state IN ('building', 'ready', 'retired')),
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX warm_schemas_ready ON warm_schemas (template_id, database_id, created_at) WHERE state = 'ready';
CREATE INDEX warm_schemas_by_server ON warm_schemas (server_id);

CREATE TABLE migrations (
  id uuid PRIMARY KEY,
  template_id uuid NOT NULL REFERENCES templates (id),
  version integer NOT NULL,
  dry_run boolean NOT NULL DEFAULT false,
  state text NOT NULL CHECK (state IN ('pending', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
  -- What a client asked of the run: pause, cancel. The runner looks between tenants.
  requested text CHECK (requested IN ('pause', 'cancel')),
  strategy jsonb NOT NULL,
  -- Which tenants it is for, so that those made meanwhile are found: {databaseId, statuses, tenantIds}.
  filter jsonb NOT NULL DEFAULT '{}',
  error jsonb,
  -- What a dry run found, version by version.
  report jsonb,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (template_id, version) REFERENCES template_versions (template_id, number)
);

CREATE INDEX migrations_by_age ON migrations (created_at, id);
CREATE UNIQUE INDEX migrations_one_per_template ON migrations (template_id)
  WHERE state IN ('pending', 'running', 'paused') AND NOT dry_run;

-- The result of one migration in one tenant.
CREATE TABLE migration_tenants (
  migration_id uuid NOT NULL REFERENCES migrations (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  ring smallint NOT NULL,
  position integer NOT NULL,
  from_version integer NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed', 'skipped')),
  attempts integer NOT NULL DEFAULT 0,
  duration_ms integer,
  error jsonb,
  finished_at timestamptz,
  PRIMARY KEY (migration_id, tenant_id)
) WITH (fillfactor = 50);

CREATE INDEX migration_tenants_by_tenant ON migration_tenants (tenant_id);

CREATE TABLE partition_policies (
  id uuid PRIMARY KEY,
  template_id uuid REFERENCES templates (id),
  database_id uuid REFERENCES databases (id) ON DELETE CASCADE,
  table_name text NOT NULL,
  partition_interval text NOT NULL CHECK (partition_interval IN ('day', 'week', 'month')),
  premake integer NOT NULL CHECK (premake >= 0),
  retention_months integer CHECK (retention_months > 0),
  on_retention text NOT NULL CHECK (on_retention IN ('detach', 'drop')),
  time_zone text NOT NULL DEFAULT 'UTC',
  enabled boolean NOT NULL DEFAULT true,
  next_run_at timestamptz NOT NULL DEFAULT now(),
  last_run_at timestamptz,
  last_report jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(template_id, database_id) = 1)
);

CREATE INDEX partition_policies_by_age ON partition_policies (created_at, id);
CREATE UNIQUE INDEX partition_policies_by_table ON partition_policies (coalesce(template_id, database_id), table_name);
