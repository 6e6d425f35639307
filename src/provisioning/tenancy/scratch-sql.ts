import { quoteLiteral, type SchemaName } from '../../kernel/identifiers.js';

/** PostgreSQL waits for nobody's locks here for long: nobody else works in a scratch schema. */
export const LOCK_TIMEOUT_MS = 5_000;

export const LIST_SCRATCH_SCHEMAS = `
  SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE pg_catalog.starts_with(nspname::text, 'scratch_')`;

export function createScratchSchema(schema: SchemaName): string {
  return `CREATE SCHEMA ${schema.sql}`;
}

export function dropScratchSchema(schema: SchemaName): string {
  return `DROP SCHEMA IF EXISTS ${schema.sql} CASCADE;
    DELETE FROM shared.schema_versions WHERE schema_name = ${quoteLiteral(schema.value)}`;
}

/** For the beginning of a transaction; every name of a template means the schema's own or one of `shared`. */
export function scratchSettings(schema: SchemaName, statementTimeoutMs: number): string {
  return `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS};
    SET LOCAL statement_timeout = ${Math.max(1, Math.round(statementTimeoutMs))};
    SET LOCAL search_path = ${schema.sql}, shared, pg_temp`;
}

/** Runs a file as the schema of a new tenant gets it. */
export const RUN_FILE = 'SELECT shared.run_tenant_sql($1, $2)';
