import type { EventEmitter } from 'node:events';
import type { ClientBase, DatabaseError } from 'pg';
import { cleanSession } from '../../../infra/postgres/clean-session.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import { isDatabaseError, StatementFailed } from './version-failure.js';
import {
  assertSame,
  explainMissing,
  findEntry,
  insertEntry,
  isRecorded,
  isSchemaMissing,
} from './version-ledger.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { joinFiles } from './version-place.js';

const OPENING_STATEMENTS = 6;

/**
 * A transaction of nothing but a record in the WAL, which only consumers of logical decoding that ask for messages see.
 * It waits for the disk also where sessions are set not to.
 */
const WRITE_WAL = `
  SELECT CASE pg_catalog.current_setting('synchronous_commit')
    WHEN 'off' THEN pg_catalog.set_config('synchronous_commit', 'local', true) END,
    pg_catalog.pg_logical_emit_message(true, 'rowhouse', 'flush')`;

/**
 * Statements, ledger row and COMMIT in one message: one round trip, and either all of it is in force or nothing. The row
 * comes first, so that a schema that has the version costs no more than a refused insert. The commit does not wait for
 * the disk: `flushCommits` does.
 */
export async function applyInTransaction(client: ClientBase, order: VersionOrder): Promise<VersionOutcome> {
  const opening = renderOpening(order);
  const counter = new StatementCounter(client);
  try {
    await client.query(`${opening}${joinFiles(order.version.files)}\n;COMMIT; ${cleanSession(client)}`);
    return 'applied';
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    const statement = counter.count - OPENING_STATEMENTS;
    await client.query('ROLLBACK');
    await client.query(cleanSession(client));
    if (isRecorded(error)) return await assertApplied(client, order);
    if (isSchemaMissing(error)) throw await explainMissing(client, order);
    throw toFailure(error, statement, opening.length);
  } finally {
    counter.stop();
  }
}

/**
 * Waits until all that this session has committed outlives a crash of the server: a commit that waits for the disk waits
 * for all WAL before it (PostgreSQL manual, 30.4). In the same session, since a crash in between would have ended it.
 */
export async function flushCommits(client: ClientBase): Promise<void> {
  await client.query(WRITE_WAL);
}

function renderOpening(order: VersionOrder): string {
  return `BEGIN;
    SET LOCAL synchronous_commit = off;
    SET LOCAL lock_timeout = ${order.lockTimeoutMs};
    SET LOCAL statement_timeout = ${order.statementTimeoutMs};
    ${insertEntry(order, 'applied')};
    SET LOCAL search_path = ${quoteIdentifier(order.schemaName)}, shared, public, pg_temp;\n`;
}

async function assertApplied(client: ClientBase, order: VersionOrder): Promise<VersionOutcome> {
  const entry = await findEntry(client, order);
  if (entry) assertSame(entry, order);
  return 'already';
}

/**
 * Constraints and locks have no position in PostgreSQL's message: then the statement is known by its number only. A
 * syntax error has one, and no statement of the message has run.
 */
function toFailure(error: DatabaseError, statement: number, openingLength: number): StatementFailed {
  const character = Number(error.position ?? 0) - 1 - openingLength;
  return new StatementFailed(error, {
    statement: statement < 0 ? null : statement,
    character: character < 0 ? null : character,
  });
}

/** Counts completed statements: node-postgres tells of those of a message only if all of them succeed. */
class StatementCounter {
  private readonly connection: EventEmitter;
  private readonly add = () => {
    this.count += 1;
  };
  count = 0;

  constructor(client: ClientBase) {
    this.connection = (client as unknown as { connection: EventEmitter }).connection;
    this.connection.on('commandComplete', this.add);
  }

  stop(): void {
    this.connection.off('commandComplete', this.add);
  }
}
