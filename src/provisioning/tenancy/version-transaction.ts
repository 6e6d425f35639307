import type { EventEmitter } from 'node:events';
import type { ClientBase, DatabaseError } from 'pg';
import { quoteIdentifier } from '../../kernel/identifiers.js';
import { isDatabaseError, sqlFailure, type VersionFailed, type VersionPlace } from './version-failure.js';
import {
  assertSame,
  explainMissing,
  findEntry,
  insertEntry,
  isRecorded,
  isSchemaMissing,
} from './version-ledger.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { joinFiles, placeOfCharacter, placeOfStatement } from './version-place.js';

/**
 * What DISCARD ALL does and a message of several statements may contain: the session goes on to another tenant, which
 * must meet no setting and no temporary table of this one's.
 */
const CLEAN_SESSION =
  'RESET ROLE; CLOSE ALL; RESET ALL; DEALLOCATE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP';

/**
 * Statements, ledger row and COMMIT in one message: one round trip, and either all of it is in force or nothing. The row
 * comes first, so that a schema that has the version costs no more than a refused insert.
 */
export async function applyInTransaction(client: ClientBase, order: VersionOrder): Promise<VersionOutcome> {
  const counter = new StatementCounter(client);
  try {
    await client.query(`${renderOpening(order)}${joinFiles(order.version.files)}\n;COMMIT; ${CLEAN_SESSION}`);
    return 'applied';
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    const completed = counter.stop();
    await client.query('ROLLBACK');
    await client.query('DISCARD ALL');
    return await settle(client, order, { error, completed });
  } finally {
    counter.stop();
  }
}

interface Failure {
  readonly error: DatabaseError;
  /** How many statements of the message had been completed. */
  readonly completed: number;
}

const OPENING_STATEMENTS = 5;

function renderOpening(order: VersionOrder): string {
  return `BEGIN;
    SET LOCAL lock_timeout = ${order.lockTimeoutMs};
    SET LOCAL statement_timeout = ${order.statementTimeoutMs};
    ${insertEntry(order, 'applied')};
    SET LOCAL search_path = ${quoteIdentifier(order.schemaName)}, shared, pg_temp;\n`;
}

async function settle(client: ClientBase, order: VersionOrder, failure: Failure): Promise<VersionOutcome> {
  if (isSchemaMissing(failure.error)) throw await explainMissing(client, order);
  if (!isRecorded(failure.error)) throw await explain(order, failure);
  const entry = await findEntry(client, order);
  if (!entry) throw await explain(order, failure);
  assertSame(entry, order);
  return 'already';
}

async function explain(order: VersionOrder, { error, completed }: Failure): Promise<VersionFailed> {
  return sqlFailure(error, order.version.number, await findPlace(order, { error, completed }));
}

/** Constraints and locks have no position in PostgreSQL's message: then the statement is found by its number. */
async function findPlace(order: VersionOrder, { error, completed }: Failure): Promise<VersionPlace | null> {
  const { files } = order.version;
  const index = completed - OPENING_STATEMENTS;
  if (index < 0) return null;
  if (error.position === undefined) return placeOfStatement(files, index);
  return placeOfCharacter(files, Number(error.position) - renderOpening(order).length);
}

/** node-postgres tells what the statements of a message did only if all of them succeed. */
class StatementCounter {
  private readonly connection: EventEmitter;
  private readonly count = () => {
    this.completed += 1;
  };
  private completed = 0;

  constructor(client: ClientBase) {
    this.connection = (client as unknown as { connection: EventEmitter }).connection;
    this.connection.on('commandComplete', this.count);
  }

  stop(): number {
    this.connection.off('commandComplete', this.count);
    return this.completed;
  }
}
