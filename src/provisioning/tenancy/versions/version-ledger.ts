import { type ClientBase, DatabaseError } from 'pg';
import { FIND_SCHEMA, FIND_SCHEMA_BY_OID, type SchemaRow } from '../../../infra/postgres/host-sql.js';
import { SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.js';
import { refusal, type VersionFailed } from './version-failure.js';
import type { VersionOrder } from './version-order.js';

export interface LedgerEntry {
  readonly checksum: string;
  readonly state: 'applied' | 'applying';
  /** Of a version that runs statement by statement. */
  readonly statementsDone: number;
}

const FIND_ENTRY = `
  SELECT checksum, state, statements_done AS "statementsDone" FROM shared.schema_versions
  WHERE schema_name = $1 AND template_id = $2 AND version = $3`;

/**
 * The schema's row in the ledger. Where the schema is gone or is another one, its name comes out null, which the column
 * refuses: so no statement ever runs with `shared` first in its search_path.
 */
export function insertEntry(order: VersionOrder, state: LedgerEntry['state']): string {
  const { schemaName, schemaOid, version } = order;
  const oid = `pg_catalog.to_regnamespace(${quoteLiteral(quoteIdentifier(schemaName))})::pg_catalog.oid`;
  const isThere = schemaOid === null ? `${oid} IS NOT NULL` : `${oid} = ${schemaOid}`;
  return `INSERT INTO shared.schema_versions (schema_name, template_id, version, checksum, state, statements_done)
    VALUES (CASE WHEN ${isThere} THEN ${quoteLiteral(schemaName)} END, ${quoteLiteral(version.templateId)},
      ${version.number}, ${quoteLiteral(version.checksum)}, '${state}', 0)`;
}

/** Whether `insertEntry` failed because the schema has a row already. */
export function isRecorded(error: unknown): boolean {
  return isAboutLedger(error, SQLSTATE.uniqueViolation) && error.constraint === 'schema_versions_pkey';
}

/** Whether `insertEntry` failed because the schema is not there, or is another one. */
export function isSchemaMissing(error: unknown): boolean {
  return isAboutLedger(error, SQLSTATE.notNullViolation) && error.column === 'schema_name';
}

export async function findEntry(client: ClientBase, order: VersionOrder): Promise<LedgerEntry | null> {
  const { schemaName, version } = order;
  const key = [schemaName, version.templateId, version.number];
  const { rows } = await client.query<LedgerEntry>(FIND_ENTRY, key);
  return rows[0] ?? null;
}

/** What is recorded under the version's number must be this version. */
export function assertSame(entry: LedgerEntry, { schemaName, version }: VersionOrder): void {
  if (entry.checksum === version.checksum) return;
  throw refusal(
    version.number,
    `The schema "${schemaName}" has another version ${version.number} already: its checksum is ${entry.checksum}, the template's is ${version.checksum}.`,
    'Compare what it ran with the template; then correct its row in shared.schema_versions.',
  );
}

/** Says what became of a schema that is not where it should be. */
export async function explainMissing(client: ClientBase, order: VersionOrder): Promise<VersionFailed> {
  const { schemaName, schemaOid, version } = order;
  const named = await findSchema(client, FIND_SCHEMA, schemaName);
  if (named) {
    return refusal(
      version.number,
      `The schema "${schemaName}" is not the one that Rowhouse made: its OID is ${named.oid}, not ${schemaOid}.`,
      "The tenant's own schema was dropped or renamed by hand and another one has its name.",
    );
  }
  const renamed = schemaOid === null ? null : await findSchema(client, FIND_SCHEMA_BY_OID, schemaOid);
  if (!renamed) return refusal(version.number, `The schema "${schemaName}" was dropped by hand.`);
  return refusal(
    version.number,
    `The schema "${schemaName}" was renamed to "${renamed.name}" by hand.`,
    `Rename it back: ALTER SCHEMA "${renamed.name}" RENAME TO "${schemaName}".`,
  );
}

async function findSchema(client: ClientBase, sql: string, key: string | number): Promise<SchemaRow | null> {
  const { rows } = await client.query<SchemaRow>(sql, [key]);
  return rows[0] ?? null;
}

function isAboutLedger(error: unknown, state: string): error is DatabaseError {
  return (
    error instanceof DatabaseError &&
    error.code === state &&
    error.schema === 'shared' &&
    error.table === 'schema_versions'
  );
}
