import { invalidField } from '../../../kernel/errors.js';
import { ENDS_TRANSACTION, statementsOf } from '../../../kernel/sql-words.js';
import { KeptRows, type RowLimits } from './kept-rows.js';
import { isAboutParameter, refused, toStatementError } from './statement-errors.js';
import type { StatementSession } from './statement-session.js';
import { type ColumnType, describeTypes } from './statement-types.js';
import { toJson, toText, UnfitParameter } from './values.js';
import { type Executed, Execution, Preparation, type WireField } from './wire.js';

/** One SQL statement, and how much of its answer is wanted. */
export interface Statement extends RowLimits {
  readonly sql: string;
  /** JSON values. */
  readonly parameters: readonly unknown[];
  readonly readOnly: boolean;
}

export interface StatementAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly typeOid: number }[];
  readonly rows: readonly (readonly unknown[])[];
  /** As PostgreSQL counted; of an answer that was cut short, the rows that are in it. */
  readonly rowCount: number;
  /** `SELECT`, `INSERT` …; null when the answer was cut short. */
  readonly command: string | null;
  readonly isTruncated: boolean;
}

interface Prepared {
  readonly fields: readonly WireField[];
  readonly columns: readonly ColumnType[];
  readonly parameters: readonly ColumnType[];
}

const NAME = 'rowhouse';
/** Rows of an answer that nobody wants, fetched at a time where the statement has to run to its end. */
const UNWANTED = 1_000;
/** A message a little larger than the limit is read whole and left out. */
const MESSAGE_SLACK = 64 * 1024;

/** What PostgreSQL says it did when a statement ended the transaction, also where that began the next one (AND CHAIN). */
const ENDINGS: readonly (string | null)[] = ['COMMIT', 'ROLLBACK', 'PREPARE TRANSACTION'];

/** Ends the reading of an answer of which enough is there. */
class Enough extends Error {}

/**
 * Runs one statement in a transaction of its own. A read-only one has its snapshot before the statement begins, from
 * when on nothing makes the transaction writable (PostgreSQL manual, SET TRANSACTION), and it is rolled back in the end.
 * Throws SQL_ERROR for what PostgreSQL refuses, VALIDATION_FAILED for parameters that do not fit.
 */
export async function runStatement(
  session: StatementSession,
  statement: Statement,
): Promise<StatementAnswer> {
  const { sql, readOnly, maxBytes } = statement;
  // Of several, PostgreSQL runs none. A transaction that was only prepared would outlive the session.
  if (ENDS_TRANSACTION.test(statementsOf(sql)[0] ?? '')) throw endedTransaction();
  const kept = new KeptRows(statement);
  session.onCopy(() => refused('COPY has no place here: use SELECT or INSERT.'));
  session.onLargeMessage(maxBytes + MESSAGE_SLACK, () => (readOnly ? new Enough() : tooLarge()));
  await session.unlessInterrupted(
    session.client.query(readOnly ? 'BEGIN READ ONLY; SELECT 1' : 'BEGIN READ WRITE'),
  );
  const prepared = await prepare(session, sql);
  const executed = await execute(session, statement, { prepared, kept });
  if (executed?.isEmpty) throw refused('There is no statement.');
  if (executed && (!session.isInTransaction || ENDINGS.includes(executed.tag))) throw endedTransaction();
  if (!readOnly) await commit(session, sql);
  return toAnswer(prepared, kept, executed);
}

async function prepare(session: StatementSession, sql: string): Promise<Prepared> {
  const described = await session.exchange(new Preparation(NAME, sql)).catch((error: unknown) => {
    throw toStatementError(error, sql, 'sql');
  });
  const types = await session.unlessInterrupted(describeTypes(session.client, described));
  return { fields: described.fields, ...types };
}

/** Null when enough of the answer was there before its end. */
async function execute(
  session: StatementSession,
  { sql, parameters, readOnly, maxRows }: Statement,
  { prepared, kept }: { prepared: Prepared; kept: KeptRows },
): Promise<Executed | null> {
  const take = (row: readonly (string | null)[], bytes: number) => {
    kept.add(row, bytes);
    if (kept.isTruncated && readOnly) session.interrupt(new Enough());
  };
  const values = bind(parameters, prepared.parameters);
  const first = new Execution(maxRows + 1, take, { statement: NAME, values });
  try {
    let executed = await session.exchange(first);
    while (executed.tag === null && !executed.isEmpty) {
      executed = await session.exchange(new Execution(UNWANTED, take, null));
    }
    return executed;
  } catch (error) {
    if (!(error instanceof Enough)) {
      const isOfParameter = !first.isBound && isAboutParameter(error);
      throw toStatementError(error, sql, isOfParameter ? 'parameters' : 'sql');
    }
    kept.isTruncated = true;
    return null;
  }
}

/** Constraints that were deferred are checked now. */
async function commit(session: StatementSession, sql: string): Promise<void> {
  try {
    await session.unlessInterrupted(session.client.query('COMMIT'));
  } catch (error) {
    throw toStatementError(error, sql, 'sql');
  }
}

function bind(values: readonly unknown[], types: readonly ColumnType[]): (string | null)[] {
  if (values.length !== types.length) {
    throw invalidField(
      'parameters',
      `must have ${types.length} values: the statement has that many parameters`,
    );
  }
  return types.map((type, at) => {
    try {
      return toText(values[at], type);
    } catch (error) {
      if (!(error instanceof UnfitParameter)) throw error;
      throw invalidField(`parameters.${at}`, `${error.message}: $${at + 1} is of type ${type.type}`);
    }
  });
}

function toAnswer({ fields, columns }: Prepared, kept: KeptRows, executed: Executed | null): StatementAnswer {
  const { command, count } = readTag(executed?.tag ?? null);
  return {
    columns: columns.map(({ type, oid }, at) => ({ name: fields[at]?.name ?? '', type, typeOid: oid })),
    rows: kept.rows.map((row) =>
      row.map((text, at) => toJson(text, columns[at] ?? { oid: 0, elementOid: null })),
    ),
    rowCount: executed === null ? kept.rows.length : Math.max(kept.seen, count ?? 0),
    command,
    isTruncated: kept.isTruncated,
  };
}

/**
 * `INSERT 0 3` has an object identifier before its count; `CREATE TABLE` has no count. Where rows were fetched in parts,
 * the count is that of the last part.
 */
function readTag(tag: string | null): { command: string | null; count: number | null } {
  const [, command, count] = /^([A-Z ]*[A-Z])(?: \d+)*? ?(\d+)?$/.exec(tag ?? '') ?? [];
  return { command: command ?? null, count: count === undefined ? null : Number(count) };
}

function endedTransaction(): Error {
  return refused(
    'What ended the transaction has no place here: each request is one already, and ends by itself.',
  );
}

function tooLarge(): Error {
  return refused('A row of the answer is larger than maxBytes, so the statement was rolled back.');
}
