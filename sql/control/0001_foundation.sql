-- What Rowhouse knows. Everything on a managed server is derived from these tables.

CREATE TABLE servers (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  host text NOT NULL,
  port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
  pooler_host text,
  pooler_port integer CHECK (pooler_port BETWEEN 1 AND 65535),
  server_version integer,
  pooler_version text,
  max_connections integer,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE databases (
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES servers (id),
  friendly_name text NOT NULL,
  owner_email text NOT NULL,
  database_name text NOT NULL UNIQUE,
  database_oid oid,
  username text NOT NULL UNIQUE,
  role_oid oid,
  status text NOT NULL CHECK (status IN ('creating', 'active', 'suspended', 'deleting', 'failed')),
  max_connections integer NOT NULL CHECK (max_connections > 0),
  statement_timeout_ms integer NOT NULL,
  lock_timeout_ms integer NOT NULL,
  idle_in_transaction_timeout_ms integer NOT NULL,
  extensions text[] NOT NULL DEFAULT '{}',
  deletion_protection boolean NOT NULL DEFAULT false,
  scram_verifier text NOT NULL,
  password_ciphertext text,
  -- The credentials of a rotation under way; they replace the ones above when it succeeds.
  next_scram_verifier text,
  next_password_ciphertext text,
  shadow_database_oid oid,
  shadow_created_at timestamptz,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX databases_by_age ON databases (created_at, id);
CREATE INDEX databases_by_friendly_name ON databases (friendly_name);
CREATE INDEX databases_by_server ON databases (server_id);

-- Finished homes that nobody owns yet: made with their final names, roles NOLOGIN.
CREATE TABLE warm_databases (
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES servers (id),
  database_name text NOT NULL UNIQUE,
  database_oid oid,
  username text NOT NULL UNIQUE,
  role_oid oid,
  state text NOT NULL CHECK (state IN ('building', 'ready', 'retired')),
  -- A password that nobody knows yet; null without a key to seal it with.
  scram_verifier text,
  password_ciphertext text,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX warm_databases_ready ON warm_databases (server_id, created_at) WHERE state = 'ready';

CREATE TABLE operations (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  subject_type text NOT NULL,
  subject_id uuid,
  state text NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  step text,
  progress smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  attempts integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL,
  next_run_at timestamptz NOT NULL DEFAULT now(),
  deadline_at timestamptz NOT NULL,
  lease_token uuid,
  lease_until timestamptz,
  cancel_requested boolean NOT NULL DEFAULT false,
  input jsonb NOT NULL DEFAULT '{}',
  result jsonb,
  error jsonb,
  actor jsonb NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX operations_runnable ON operations (next_run_at) WHERE state IN ('pending', 'running');
CREATE UNIQUE INDEX operations_one_per_subject ON operations (subject_id) WHERE state IN ('pending', 'running');
CREATE INDEX operations_by_age ON operations (created_at, id);
CREATE INDEX operations_by_subject ON operations (subject_id, created_at);

CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  key_id text NOT NULL UNIQUE,
  name text NOT NULL,
  secret_hash text NOT NULL,
  scopes text[] NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  created_by text NOT NULL
);

CREATE INDEX api_keys_by_age ON api_keys (created_at, id);

CREATE TABLE idempotency_keys (
  api_key_id text NOT NULL,
  idempotency_key text NOT NULL,
  request_hash text NOT NULL,
  operation_id uuid,
  response_status integer,
  response_headers jsonb,
  response_masked jsonb,
  response_ciphertext text,
  locked_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (api_key_id, idempotency_key)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

CREATE TABLE audit_logs (
  id uuid NOT NULL,
  occurred_at timestamptz(3) NOT NULL DEFAULT now(),
  actor_type text NOT NULL,
  actor_id text,
  actor_name text,
  address inet,
  request_id text,
  operation_id uuid,
  action text NOT NULL,
  resource_type text NOT NULL,
  resource_id text,
  before jsonb,
  after jsonb,
  outcome text NOT NULL CHECK (outcome IN ('accepted', 'succeeded', 'failed')),
  error_code text,
  PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);

CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT;
CREATE INDEX audit_logs_by_resource ON audit_logs (resource_type, resource_id, occurred_at);
