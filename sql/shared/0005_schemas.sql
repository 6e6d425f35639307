-- Tenants' schemas: names, creation, and what their logins may do there.

CREATE OR REPLACE FUNCTION shared.assert_schema_name(schema_name varchar) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF schema_name IS NULL THEN
    RAISE EXCEPTION 'a schema needs a name' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF schema_name IN ('public', 'shared', 'information_schema') OR starts_with(schema_name, 'pg_') THEN
    RAISE EXCEPTION 'the schema name "%" is reserved', schema_name
      USING ERRCODE = 'reserved_name', HINT = 'Names such as tenant_0001 are free.';
  END IF;
  IF schema_name !~ '^[a-z][a-z0-9_]{0,62}$' THEN
    RAISE EXCEPTION 'the schema name % is no plain name', quote_ident(schema_name)
      USING ERRCODE = 'invalid_name',
            HINT = 'A lower-case letter, then at most 62 lower-case letters, digits or underscores.';
  END IF;
END
$$;
COMMENT ON FUNCTION shared.assert_schema_name(varchar) IS
  'Raises 22004 for no name, 42939 for public, shared, information_schema and pg_…, 42602 for whatever is no plain lower-case name of at most 63 bytes.';

CREATE OR REPLACE FUNCTION shared.assert_template_target(schema_name varchar) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF schema_name IS DISTINCT FROM 'public' THEN
    PERFORM shared.assert_schema_name(schema_name);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema_name) THEN
    RAISE EXCEPTION 'schema "%" does not exist', schema_name
      USING ERRCODE = 'invalid_schema_name',
            HINT = 'shared.provision_tenant_schema makes a tenant''s schema together with its tables.';
  END IF;
END
$$;
COMMENT ON FUNCTION shared.assert_template_target(varchar) IS
  'Raises as shared.assert_schema_name does, but takes public, the schema of a tenant with a database of its own; 3F000 when there is no such schema.';

CREATE OR REPLACE FUNCTION shared.is_tenant_role(role_name name) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM pg_auth_members m
    WHERE m.member = to_regrole(quote_ident(role_name))
      AND m.roleid = to_regrole(quote_ident(shared.host_role('tenants')))
  )
$$;
COMMENT ON FUNCTION shared.is_tenant_role(name) IS
  'Whether the role exists and is a member of the group of this database''s tenants.';

CREATE OR REPLACE FUNCTION shared.set_tenant_defaults(schema_name varchar, tenant_role name) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM shared.assert_template_target(schema_name);
  IF NOT shared.is_tenant_role(tenant_role) THEN
    RAISE EXCEPTION 'the role "%" is no tenant of the database "%"', tenant_role, current_database()
      USING ERRCODE = 'undefined_object',
            HINT = format('A tenant''s role is a member of %I.', shared.host_role('tenants'));
  END IF;
  EXECUTE format($sql$
    GRANT USAGE ON SCHEMA %1$I TO %2$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %2$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO %2$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT EXECUTE ON ROUTINES TO %2$I;
  $sql$, schema_name, tenant_role);
END
$$;
COMMENT ON FUNCTION shared.set_tenant_defaults(varchar, name) IS
  'Lets a tenant''s role read and write the tables that the provisioner makes in a schema from now on, and set its sequences; never CREATE or TRUNCATE. Raises 42704 when the role is no tenant''s, 3F000 when there is no such schema.';

CREATE OR REPLACE FUNCTION shared.grant_tenant_schema(schema_name varchar, tenant_role name) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM shared.set_tenant_defaults(schema_name, tenant_role);
  EXECUTE format($sql$
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO %2$I;
    GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %1$I TO %2$I;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA %1$I TO %2$I;
  $sql$, schema_name, tenant_role);
END
$$;
COMMENT ON FUNCTION shared.grant_tenant_schema(varchar, name) IS
  'Lets a tenant''s role read and write every table of a schema, those of today and those the provisioner makes later; never CREATE or TRUNCATE. Raises what shared.set_tenant_defaults raises.';

CREATE OR REPLACE FUNCTION shared.create_tenant_schema(schema_name varchar) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM shared.assert_schema_name(schema_name);
  PERFORM shared.close_own_database();
  BEGIN
    EXECUTE format('CREATE SCHEMA %I', schema_name);
  EXCEPTION WHEN duplicate_schema OR unique_violation THEN
    -- Two sessions at once: the second one sees the first one's row only as a duplicate key of the catalog.
    RAISE EXCEPTION 'schema "%" already exists', schema_name
      USING ERRCODE = 'duplicate_schema', HINT = 'Nothing was changed. Choose another name.';
  END;
  -- The ledger of an earlier schema of this name, that somebody dropped by hand.
  DELETE FROM shared.schema_versions v WHERE v.schema_name = schema_name;
  EXECUTE format($sql$
    GRANT USAGE ON SCHEMA %1$I TO %2$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT SELECT ON TABLES TO %2$I;
    ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT SELECT ON SEQUENCES TO %2$I;
  $sql$, schema_name, shared.host_role('readonly'));
  IF shared.is_tenant_role(schema_name) THEN
    -- Not grant_tenant_schema: GRANT ON ALL reads the whole catalog, all tenants' tables, to find nothing here.
    PERFORM shared.set_tenant_defaults(schema_name, schema_name);
  ELSE
    RAISE NOTICE 'no role "%" in the group "%": only the provisioner, its members and "%" reach the schema',
      schema_name, shared.host_role('tenants'), shared.host_role('readonly')
      USING HINT = 'Make the role, then call shared.grant_tenant_schema.';
  END IF;
END
$$;
COMMENT ON FUNCTION shared.create_tenant_schema(varchar) IS
  'Makes an empty schema with its grants: to the tenant''s role, which has the schema''s name, and to the reading role. Raises 42P06 when the schema exists, and what shared.assert_schema_name raises.';
