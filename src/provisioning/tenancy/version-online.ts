import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../../kernel/identifiers.js';
import { isDatabaseError, sqlFailure } from './version-failure.js';
import {
  assertSame,
  explainMissing,
  findEntry,
  insertEntry,
  isRecorded,
  isSchemaMissing,
  type LedgerEntry,
} from './version-ledger.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { placeOfStatement } from './version-place.js';
import { remainderOf } from './version-restart.js';

const RECORD = `
  UPDATE shared.schema_versions SET statements_done = $4, state = $5, applied_at = now()
  WHERE schema_name = $1 AND template_id = $2 AND version = $3`;

/**
 * A version that cannot run in a transaction: each statement commits by itself and is counted in the ledger after it, so
 * the one after the last counted may have run, wholly or in part, when the version is taken up again.
 */
export async function applyOnline(
  client: ClientBase,
  order: VersionOrder,
  signal?: AbortSignal,
): Promise<VersionOutcome> {
  let at: number | null = null;
  try {
    const entry = await begin(client, order);
    if (entry.state === 'applied') return 'already';
    await client.query(renderSettings(order));
    for (at = entry.statementsDone; at < order.version.statements.length; at += 1) {
      signal?.throwIfAborted();
      await perform(client, order, { at, isRestart: entry.isRestart && at === entry.statementsDone });
    }
    at = null;
    await record(client, order, { done: order.version.statements.length, state: 'applied' });
    await client.query('DISCARD ALL');
    return 'applied';
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    await client.query('ROLLBACK');
    await client.query('DISCARD ALL');
    if (isSchemaMissing(error)) throw await explainMissing(client, order);
    const place = at === null ? null : await placeOfStatement(order.version.files, at);
    throw sqlFailure(error, order.version.number, place);
  }
}

interface Beginning extends LedgerEntry {
  /** Whether somebody began before. */
  readonly isRestart: boolean;
}

async function begin(client: ClientBase, order: VersionOrder): Promise<Beginning> {
  const { checksum } = order.version;
  try {
    await client.query(insertEntry(order, 'applying'));
    return { checksum, state: 'applying', statementsDone: 0, isRestart: false };
  } catch (error) {
    const entry = isRecorded(error) ? await findEntry(client, order) : null;
    if (!entry) throw error;
    assertSame(entry, order);
    return { ...entry, isRestart: true };
  }
}

function renderSettings({ schemaName, lockTimeoutMs, statementTimeoutMs }: VersionOrder): string {
  return `SET search_path = ${quoteIdentifier(schemaName)}, shared, pg_temp;
    SET lock_timeout = ${lockTimeoutMs}; SET statement_timeout = ${statementTimeoutMs}`;
}

async function perform(
  client: ClientBase,
  order: VersionOrder,
  { at, isRestart }: { at: number; isRestart: boolean },
): Promise<void> {
  const statement = order.version.statements[at];
  if (!statement) return;
  const sql = isRestart ? await remainderOf(client, order.schemaName, statement) : statement.sql;
  if (sql !== null) await client.query(sql);
  await record(client, order, { done: at + 1, state: 'applying' });
}

async function record(
  client: ClientBase,
  { schemaName, version }: VersionOrder,
  { done, state }: { done: number; state: LedgerEntry['state'] },
): Promise<void> {
  await client.query(RECORD, [schemaName, version.templateId, version.number, done, state]);
}
