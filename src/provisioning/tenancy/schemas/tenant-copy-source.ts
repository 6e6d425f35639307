import type { ClientBase } from 'pg';
import { FIND_SCHEMA, type SchemaRow } from '../../../infra/postgres/host-sql.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { type CopyTable, FIND_VERSION, TABLES } from './tenant-copy-sql.js';
import { qualified } from './tenant-copy-statements.js';

export interface CopyPlace {
  /** The tenant's. */
  readonly id: string;
  readonly databaseName: string;
  readonly schemaName: string;
  readonly schemaOid: number | null;
}

const ATTEMPTS = 5;
const WORTH_ANOTHER_LOOK = new Set<string | undefined>([SQLSTATE.undefinedTable, SQLSTATE.deadlockDetected]);
/**
 * A copy may run longer than any statement of Rowhouse's otherwise does, and both sides write values alike, whatever a
 * tenant has set for its database.
 */
export const COPY_SETTINGS = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
  SET LOCAL lock_timeout = '60s'; SET LOCAL TimeZone = 'UTC'; SET LOCAL lc_monetary = 'C'`;

interface SourceVersion {
  /** Null where its ledger does not know the template. */
  readonly version: number | null;
  readonly isHalfway: boolean;
}

/**
 * Begins the transaction that reads a tenant, and returns its tables, locked. The locks come before the snapshot: a table
 * that somebody rewrites is empty for a snapshot from before (PostgreSQL manual, 13.6).
 */
export async function openSource(reader: ClientBase, source: CopyPlace): Promise<CopyTable[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const locked = await lockSource(reader, source);
    const tables = locked && (await listTables(reader, source));
    if (tables?.every(({ name, isOwn }) => locked?.has(name) || !isOwn)) {
      await assertThere(reader, source);
      assertWhole(tables);
      return tables;
    }
    await reader.query('ROLLBACK');
  }
  throw new RowhouseError('RESOURCE_BUSY', `The tables of "${source.schemaName}" are being changed.`);
}

/** The version of the template that the tenant has. Throws RESOURCE_BUSY when it is between two. */
export async function readVersion(
  reader: ClientBase,
  { schemaName }: CopyPlace,
  templateId: string | null,
): Promise<number> {
  const { rows } = await reader.query<SourceVersion>(FIND_VERSION, [schemaName, templateId]);
  const [found] = rows;
  if (found?.isHalfway) {
    throw new RowhouseError(
      'RESOURCE_BUSY',
      `The schema "${schemaName}" is between two versions: a migration is at work there, or has failed there.`,
    );
  }
  return found?.version ?? 0;
}

export async function listTables(client: ClientBase, { schemaName }: CopyPlace): Promise<CopyTable[]> {
  return (await client.query<CopyTable>(TABLES, [schemaName])).rows;
}

/**
 * Null when one of the tables is gone by now, or somebody locks them in another order. With row_security off, a policy
 * that would hide rows from the reader is an error (PostgreSQL manual, 20.11.1).
 */
async function lockSource(reader: ClientBase, source: CopyPlace): Promise<Set<string> | null> {
  const found = await listTables(reader, source);
  const names = found.filter(({ isOwn }) => isOwn).map(({ name }) => name);
  const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${COPY_SETTINGS}; SET LOCAL row_security = off`;
  try {
    await reader.query([begin, ...lockTables(source.schemaName, names)].join('; '));
    return new Set(names);
  } catch (error) {
    if (!WORTH_ANOTHER_LOOK.has(sqlState(error))) throw error;
    return null;
  }
}

/** No statement where there is no table. */
function lockTables(schema: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`LOCK TABLE ${names.map((name) => qualified(schema, name)).join(', ')} IN ACCESS SHARE MODE`];
}

function assertWhole(tables: readonly CopyTable[]): void {
  const hidden = tables.find(({ isOwn, hidesRows }) => isOwn && hidesRows);
  if (!hidden) return;
  throw new RowhouseError(
    'CONFLICT',
    `The table "${hidden.name}" forces its row security on its owner too, so that not all of its rows can be copied.`,
  );
}

/** A schema that was renamed or dropped by hand has no tables under its name, and a copy of it would be empty. */
async function assertThere(reader: ClientBase, { schemaName, schemaOid }: CopyPlace): Promise<void> {
  const { rows } = await reader.query<SchemaRow>(FIND_SCHEMA, [schemaName]);
  const [found] = rows;
  if (found && (schemaOid === null || found.oid === schemaOid)) return;
  throw new RowhouseError(
    'OWNERSHIP_MISMATCH',
    `The schema "${schemaName}" of the tenant is not there any more: it was renamed, dropped or replaced by hand.`,
  );
}
