-- What a new schema runs, and which schema has had what.

CREATE TABLE IF NOT EXISTS shared.template_versions (
  template_id uuid NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  checksum text NOT NULL,
  CONSTRAINT template_versions_pkey PRIMARY KEY (template_id, version)
);
COMMENT ON TABLE shared.template_versions IS 'The versions of the templates that this database knows; a copy, kept by Rowhouse.';
COMMENT ON COLUMN shared.template_versions.checksum IS 'SHA-256 of the version''s files, hexadecimal.';

CREATE TABLE IF NOT EXISTS shared.template_files (
  template_id uuid NOT NULL,
  template_name text NOT NULL,
  version integer NOT NULL,
  position integer NOT NULL,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('schema', 'seed')),
  sql text NOT NULL,
  CONSTRAINT template_files_pkey PRIMARY KEY (template_id, version, position),
  -- Deferred, so that a copy may be written in any order.
  CONSTRAINT template_files_version_fkey FOREIGN KEY (template_id, version)
    REFERENCES shared.template_versions (template_id, version) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE shared.template_files IS
  'The SQL of each template version as a new schema runs it: in the order of version and position, without CONCURRENTLY.';
COMMENT ON COLUMN shared.template_files.kind IS 'schema makes tables; seed fills them.';

CREATE TABLE IF NOT EXISTS shared.schema_versions (
  schema_name name NOT NULL,
  template_id uuid NOT NULL,
  version integer NOT NULL,
  checksum text NOT NULL,
  state text NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'applying')),
  statements_done integer NOT NULL DEFAULT 0 CHECK (statements_done >= 0),
  applied_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT schema_versions_pkey PRIMARY KEY (schema_name, template_id, version)
);
COMMENT ON TABLE shared.schema_versions IS
  'The ledger: which schema has which template version. A row commits together with the version''s statements.';
COMMENT ON COLUMN shared.schema_versions.state IS
  'applying: a version that cannot run in one transaction is under way, or stopped after statements_done statements.';
