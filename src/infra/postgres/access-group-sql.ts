import {
  type DatabaseName,
  quoteIdentifier,
  quoteLiteral,
  type RoleName,
  type SchemaName,
} from '../../kernel/identifiers.js';

/** Whose objects the members of the two groups may use: readers look, writers also change rows. */
export interface AccessGroups {
  readonly readers: RoleName;
  readonly writers: RoleName;
}

/** CREATE is for nobody in them, and temporary tables are for writers only. */
export function admitGroups(database: DatabaseName, { readers, writers }: AccessGroups): string {
  return `GRANT CONNECT ON DATABASE ${database.sql} TO ${readers.sql};
    GRANT TEMPORARY ON DATABASE ${database.sql} TO ${writers.sql};
    GRANT ${readers.sql} TO ${writers.sql}`;
}

/** What `owner` makes from now on: wherever, or in one schema (PostgreSQL manual, ALTER DEFAULT PRIVILEGES). */
export function grantComing(owner: string, groups: AccessGroups, schema: string | null): string {
  const { readers, writers } = groups;
  const place = schema === null ? '' : ` IN SCHEMA ${quoteIdentifier(schema)}`;
  const grant = (what: string) =>
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)}${place} GRANT ${what};`;
  return [
    schema === null ? grant(`USAGE ON SCHEMAS TO ${readers.sql}`) : '',
    grant(`SELECT ON TABLES TO ${readers.sql}`),
    grant(`SELECT ON SEQUENCES TO ${readers.sql}`),
    grant(`INSERT, UPDATE, DELETE ON TABLES TO ${writers.sql}`),
    grant(`USAGE, UPDATE ON SEQUENCES TO ${writers.sql}`),
    grant(`EXECUTE ON ROUTINES TO ${writers.sql}`),
  ].join(' ');
}

/**
 * What `owner` has made so far, wherever or in one schema; what was granted before is not granted again. What vanishes
 * meanwhile is passed over.
 */
export function grantPresent(
  owner: string,
  { readers, writers }: AccessGroups,
  schema: string | null,
): string {
  const place = schema === null ? 'true' : `n.nspname = ${quoteLiteral(schema)}`;
  return `DO $rowhouse$
DECLARE
  owner CONSTANT oid := ${quoteLiteral(quoteIdentifier(owner))}::pg_catalog.regrole;
  readers CONSTANT text := ${quoteLiteral(readers.value)};
  writers CONSTANT text := ${quoteLiteral(writers.value)};
  item record;
BEGIN
  FOR item IN
    SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, readers) AS sql
    FROM pg_catalog.pg_namespace n
    WHERE ${place} AND n.nspname !~ '^pg_'
      AND (n.nspowner = owner OR pg_catalog.pg_get_userbyid(n.nspowner) = 'pg_database_owner')
      AND NOT pg_catalog.has_schema_privilege(readers, n.oid, 'USAGE')
    UNION ALL
    SELECT pg_catalog.format(
      CASE c.relkind
        WHEN 'S' THEN 'GRANT SELECT ON SEQUENCE %1$I.%2$I TO %3$I; GRANT USAGE, UPDATE ON SEQUENCE %1$I.%2$I TO %4$I'
        ELSE 'GRANT SELECT ON %1$I.%2$I TO %3$I; GRANT INSERT, UPDATE, DELETE ON %1$I.%2$I TO %4$I'
      END, n.nspname, c.relname, readers, writers)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ${place} AND n.nspname !~ '^pg_' AND c.relowner = owner AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND NOT CASE c.relkind
        WHEN 'S' THEN pg_catalog.has_sequence_privilege(readers, c.oid, 'SELECT')
                  AND pg_catalog.has_sequence_privilege(writers, c.oid, 'UPDATE')
        ELSE pg_catalog.has_table_privilege(readers, c.oid, 'SELECT')
         AND pg_catalog.has_table_privilege(writers, c.oid, 'UPDATE')
      END
    UNION ALL
    SELECT pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', p.oid::pg_catalog.regprocedure, writers)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE ${place} AND n.nspname !~ '^pg_' AND p.proowner = owner
      AND NOT pg_catalog.has_function_privilege(writers, p.oid, 'EXECUTE')
  LOOP
    BEGIN
      EXECUTE item.sql;
    EXCEPTION WHEN undefined_table OR undefined_function OR invalid_schema_name THEN
      NULL;
    END;
  END LOOP;
END
$rowhouse$`;
}

/** What stands in a tenant's schema, and what the provisioner adds to it later. */
export function grantTenantReaders(readers: RoleName, schema: SchemaName, provisioner: RoleName): string {
  const coming = `ALTER DEFAULT PRIVILEGES FOR ROLE ${provisioner.sql} IN SCHEMA ${schema.sql}`;
  return `${coming} GRANT SELECT ON TABLES TO ${readers.sql};
    ${coming} GRANT SELECT ON SEQUENCES TO ${readers.sql};
    GRANT USAGE ON SCHEMA ${schema.sql} TO ${readers.sql};
    GRANT SELECT ON ALL TABLES IN SCHEMA ${schema.sql} TO ${readers.sql};
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${schema.sql} TO ${readers.sql}`;
}
