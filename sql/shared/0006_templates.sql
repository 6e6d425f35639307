-- Running templates in schemas.

CREATE OR REPLACE FUNCTION shared.resolve_template(template_id uuid, upto integer) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  known text;
  ids uuid[];
  newest integer;
BEGIN
  IF upto = 0 THEN
    RETURN template_id;
  END IF;
  SELECT string_agg(format('%s (%s)', t.template_name, t.template_id), ', '), array_agg(t.template_id) INTO known, ids
  FROM (SELECT DISTINCT f.template_id, f.template_name FROM shared.template_files f ORDER BY 2) t;
  IF ids IS NULL THEN
    RAISE EXCEPTION 'the database "%" has no template', current_database()
      USING ERRCODE = 'undefined_object', HINT = 'Assign one to the host, or ask for version 0: an empty schema.';
  ELSIF template_id IS NULL AND cardinality(ids) > 1 THEN
    RAISE EXCEPTION 'the database "%" has several templates: %', current_database(), known
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Name one of them by its id.';
  ELSIF template_id <> ALL (ids) THEN
    RAISE EXCEPTION 'the database "%" has no template %', current_database(), template_id
      USING ERRCODE = 'undefined_object', HINT = format('It has: %s.', known);
  END IF;

  template_id := coalesce(template_id, ids[1]);
  SELECT max(v.version) INTO newest FROM shared.template_versions v WHERE v.template_id = template_id;
  IF upto NOT BETWEEN 0 AND newest THEN
    RAISE EXCEPTION 'the template % has no version %', template_id, upto
      USING ERRCODE = 'invalid_parameter_value', HINT = format('Versions 1 to %s; 0 is an empty schema.', newest);
  END IF;
  RETURN template_id;
END
$$;
COMMENT ON FUNCTION shared.resolve_template(uuid, integer) IS
  'The template to run: the given one, or the only one of this database. Raises 42704 when there is none or it is unknown, 22023 when there are several or upto is no version of it. With upto 0 whatever was given.';

CREATE OR REPLACE FUNCTION shared.run_tenant_sql(schema_name varchar, sql text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM shared.assert_template_target(schema_name);
  PERFORM set_config('search_path', format('%I, shared, public, pg_temp', schema_name), true);
  EXECUTE sql;
END
$$;
COMMENT ON FUNCTION shared.run_tenant_sql(varchar, text) IS
  'Runs statements as the provisioner with the schema first in search_path. Neither SET ROLE nor COMMIT nor SELECT INTO work in it.';

CREATE OR REPLACE FUNCTION shared.run_template(schema_name varchar, template_id uuid, upto integer, kinds text[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  release record;
  file record;
  detail text;
BEGIN
  PERFORM shared.assert_template_target(schema_name);
  template_id := shared.resolve_template(template_id, upto);
  FOR release IN
    SELECT v.version, v.checksum FROM shared.template_versions v
    WHERE v.template_id = template_id AND v.version <= coalesce(upto, v.version)
      AND NOT ('schema' = ANY (kinds) AND EXISTS (
        SELECT FROM shared.schema_versions s
        WHERE s.schema_name = schema_name AND s.template_id = template_id AND s.version = v.version))
    ORDER BY v.version
  LOOP
    IF 'schema' = ANY (kinds) THEN
      INSERT INTO shared.schema_versions (schema_name, template_id, version, checksum)
      VALUES (schema_name, template_id, release.version, release.checksum)
      ON CONFLICT ON CONSTRAINT schema_versions_pkey DO NOTHING;
      CONTINUE WHEN NOT FOUND;
    END IF;
    -- One for all files of a version: each subtransaction ends with a look at all that the session has cached.
    BEGIN
      FOR file IN
        SELECT f.template_name, f.name, f.sql FROM shared.template_files f
        WHERE f.template_id = template_id AND f.version = release.version AND f.kind = ANY (kinds) ORDER BY f.position
      LOOP
        PERFORM shared.run_tenant_sql(schema_name, file.sql);
      END LOOP;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      detail := concat_ws(' ', nullif(detail, ''),
        format('In "%s", version %s of the template "%s".', file.name, release.version, file.template_name));
      IF SQLSTATE = '55P04' THEN
        RAISE EXCEPTION '%', SQLERRM USING ERRCODE = SQLSTATE, DETAIL = detail,
          HINT = format('Run the versions up to %s, with upto, and COMMIT, then the rest.', release.version - 1);
      END IF;
      RAISE EXCEPTION '%', SQLERRM USING ERRCODE = SQLSTATE, DETAIL = detail;
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION shared.run_template(varchar, uuid, integer, text[]) IS
  'Runs a template''s files of the given kinds (schema, seed) in a schema, version by version up to upto. With kind schema each version gets its row in shared.schema_versions, and one that has its row already is left out. Raises what the template''s SQL raises, with the file in the detail; 55P04 when a version uses a label that an earlier one added to an enum in this transaction: commit in between.';

CREATE OR REPLACE FUNCTION shared.create_tenant_tables(
  schema_name varchar, template_id uuid DEFAULT NULL, upto integer DEFAULT NULL
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT shared.run_template(schema_name, template_id, upto, ARRAY['schema'])
$$;
COMMENT ON FUNCTION shared.create_tenant_tables(varchar, uuid, integer) IS
  'Makes a template''s tables in an existing schema, without seeds: all versions, or those up to upto, which the schema does not have yet. template_id null is the only template of this database. Errors: shared.run_template.';

CREATE OR REPLACE FUNCTION shared.seed_tenant_data(
  schema_name varchar, template_id uuid DEFAULT NULL, upto integer DEFAULT NULL
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT shared.run_template(schema_name, template_id, upto, ARRAY['seed'])
$$;
COMMENT ON FUNCTION shared.seed_tenant_data(varchar, uuid, integer) IS
  'Runs a template''s seeds in a schema that has its tables; run twice, it does what the seeds do when they run twice. Errors: shared.run_template.';

CREATE OR REPLACE FUNCTION shared.provision_tenant_schema(
  tenant_id uuid,
  schema_name varchar,
  template_id uuid DEFAULT NULL,
  upto integer DEFAULT NULL,
  seeds boolean DEFAULT true
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  registered shared.tenants;
BEGIN
  IF tenant_id IS NULL THEN
    RAISE EXCEPTION 'a tenant needs an id'
      USING ERRCODE = 'null_value_not_allowed', HINT = 'gen_random_uuid() makes one.';
  END IF;
  template_id := shared.resolve_template(template_id, upto);
  PERFORM shared.create_tenant_schema(schema_name);

  INSERT INTO shared.tenants AS t (id, slug, name, schema_name, template_id)
  VALUES (tenant_id, schema_name, schema_name, schema_name, template_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT t.* INTO registered FROM shared.tenants t
    WHERE t.id = tenant_id OR t.schema_name = schema_name OR t.slug = schema_name
    ORDER BY t.id = tenant_id DESC LIMIT 1;
    RAISE EXCEPTION 'the tenant % is registered already, with the slug "%" and the schema "%"',
      registered.id, registered.slug, registered.schema_name
      USING ERRCODE = 'unique_violation', HINT = 'Nothing was changed. Choose another id and name.';
  END IF;

  PERFORM shared.run_template(
    schema_name, template_id, upto, CASE WHEN seeds THEN ARRAY['schema', 'seed'] ELSE ARRAY['schema'] END);
END
$$;
COMMENT ON FUNCTION shared.provision_tenant_schema(uuid, varchar, uuid, integer, boolean) IS
  'Makes a tenant: its schema with grants, the template''s tables, seeds unless seeds is false, ledger and registry row (slug and name are the schema''s name), all or nothing. upto is the newest version to run, null all, 0 none: an empty schema. Raises 42P06 when the schema exists, 23505 when the id or the name is registered, and what shared.resolve_template and shared.run_template raise.';
