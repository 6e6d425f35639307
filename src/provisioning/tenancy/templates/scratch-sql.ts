import { quoteIdentifier, quoteLiteral, type SchemaName } from '../../../kernel/identifiers.js';
import { BLANK_DATABASE, SCRATCH_DATABASE } from '../../marks.js';

const DATABASE = quoteIdentifier(SCRATCH_DATABASE);

/** Nobody else works in a scratch schema, so nothing is worth waiting for long. */
const LOCK_TIMEOUT_MS = 5_000;

/** The administrator's own, so that no template can change it. Closed at first. */
export const CREATE_SCRATCH_DATABASE = `CREATE DATABASE ${DATABASE} TEMPLATE ${BLANK_DATABASE} ALLOW_CONNECTIONS false`;

export const FIND_SCRATCH_DATABASE = `
  SELECT datallowconn AS "allowsConnections", pg_catalog.shobj_description(oid, 'pg_database') AS mark
  FROM pg_catalog.pg_database WHERE datname = '${SCRATCH_DATABASE}'`;

/** Names the making of the database among the advisory locks of the maintenance database. */
export const LOCK_SCRATCH_DATABASE = `SET LOCAL lock_timeout = '60s'; SELECT pg_catalog.pg_advisory_xact_lock(7264033)`;

export const LIST_SCRATCH_SCHEMAS = `
  SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE pg_catalog.starts_with(nspname::text, 'scratch_')`;

export function createScratchSchema(schema: SchemaName): string {
  return `CREATE SCHEMA ${schema.sql}`;
}

export function dropScratchSchema(schema: SchemaName): string {
  return `DROP SCHEMA IF EXISTS ${schema.sql} CASCADE;
    DELETE FROM shared.schema_versions WHERE schema_name = ${quoteLiteral(schema.value)}`;
}

/** For the beginning of a transaction: a template's names mean the schema's own objects, or those of `shared`. */
export function scratchSettings(schema: SchemaName, statementTimeoutMs: number): string {
  return `${scratchTimeouts(statementTimeoutMs)}; SET LOCAL search_path = ${schema.sql}, shared, pg_temp`;
}

export function scratchTimeouts(statementTimeoutMs: number): string {
  return `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS};
    SET LOCAL statement_timeout = ${milliseconds(statementTimeoutMs)}`;
}

/**
 * The same for statements that cannot run in a transaction; `RESET ALL` ends it. They wait for whoever works in another
 * scratch schema just now (PostgreSQL manual, CREATE INDEX: Building Indexes Concurrently), which is no reason to fail.
 */
export function scratchSession(schema: SchemaName, statementTimeoutMs: number): string {
  return `SET lock_timeout = 0; SET statement_timeout = ${milliseconds(statementTimeoutMs)};
    SET search_path = ${schema.sql}, shared, pg_temp`;
}

/** Runs a file as the schema of a new tenant gets it. */
export const RUN_FILE = 'SELECT shared.run_tenant_sql($1, $2)';

/** 0 would be no limit. */
function milliseconds(timeoutMs: number): number {
  return Math.max(1, Math.round(timeoutMs));
}
