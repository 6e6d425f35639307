-- The schema `shared` of a database that hosts tenants. Run the files of this folder in order, in one transaction,
-- as the role "<database>_provisioner" (its members: after SET ROLE). Run again, they bring an older one up to date.

DO $$
DECLARE
  provisioner CONSTANT name := pg_catalog.current_database() || '_provisioner';
  missing text;
  foreign_owner name;
BEGIN
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.name), ', ') INTO missing
  FROM pg_catalog.unnest(ARRAY['provisioner', 'app', 'readonly', 'tenants']) AS s (suffix),
       LATERAL (SELECT pg_catalog.current_database() || '_' || s.suffix) AS r (name)
  WHERE pg_catalog.to_regrole(pg_catalog.quote_ident(r.name)) IS NULL;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'the database "%" is no tenant host: there is no role %', pg_catalog.current_database(), missing
      USING ERRCODE = 'undefined_object',
            HINT = 'Make the database a tenant host first: POST /api/databases/:id/host.';
  END IF;

  IF current_user <> provisioner THEN
    RAISE EXCEPTION 'the schema "shared" is made by the role "%", not by "%"', provisioner, current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = pg_catalog.format('Run SET ROLE %I first.', provisioner);
  END IF;

  SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO foreign_owner
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname = 'shared' AND pg_catalog.pg_get_userbyid(n.nspowner) <> current_user;
  IF FOUND THEN
    RAISE EXCEPTION 'the schema "shared" exists already and belongs to "%"', foreign_owner
      USING ERRCODE = 'duplicate_schema',
            HINT = 'A tenant host needs a schema "shared" of its own: rename the other one.';
  END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS shared;

-- Every function the provisioner makes, in tenants' schemas too, is closed to PUBLIC from its first moment on.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;

CREATE OR REPLACE FUNCTION shared.host_role(suffix text) RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (current_database() || '_' || suffix)::name
$$;
COMMENT ON FUNCTION shared.host_role(text) IS
  'The name of a role around this database: provisioner, app, readonly or tenants.';
