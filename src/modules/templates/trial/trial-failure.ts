import type { DatabaseError } from 'pg';
import { SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import type { SqlStatement } from '../../../infra/sql-parser/sql-parser.js';
import { SqlText, type TextPlace } from '../../../infra/sql-parser/sql-text.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { type CheckedFile, problemAt } from '../checked-version.js';

/** PostgreSQL's refusal of a statement, with the place in its file. */
export function statementFailure(
  error: DatabaseError,
  file: CheckedFile,
  statement: SqlStatement,
): RowhouseError {
  const place = placeIn(statement, error.position);
  return failureAt(error, { file, place, message: describe(error) });
}

/** The same for a file that ran as a whole, as a new tenant gets it. */
export function fileFailure(error: DatabaseError, file: CheckedFile): RowhouseError {
  const isInFile = error.internalQuery === file.sql && error.internalPosition !== undefined;
  const place = isInFile ? new SqlText(file.sql).placeOfCharacter(Number(error.internalPosition) - 1) : START;
  const message = `in the schema of a new tenant, which gets one version after the other: ${describe(error)}`;
  return failureAt(error, { file, place, message });
}

const START: TextPlace = { line: 1, column: 1 };

function failureAt(
  error: DatabaseError,
  { file, place, message }: { file: CheckedFile; place: TextPlace; message: string },
): RowhouseError {
  const code = error.code === SQLSTATE.queryCanceled ? 'STATEMENT_TIMED_OUT' : 'SQL_ERROR';
  const problem = problemAt(file, place, message);
  return new RowhouseError(code, `"${file.name}", ${problem.message}`, { errors: [problem], cause: error });
}

/** `position`: in characters of the statement, from 1; without one it is the statement that failed. */
function placeIn({ text, place }: SqlStatement, position: string | undefined): TextPlace {
  if (position === undefined) return place;
  const inside = new SqlText(text).placeOfCharacter(Number(position) - 1);
  return {
    line: place.line + inside.line - 1,
    column: inside.line === 1 ? place.column + inside.column - 1 : inside.column,
  };
}

/** The error in one line; `where` tells the way through functions and DO blocks. */
function describe({ message, code, detail, hint, where }: DatabaseError): string {
  const context = where
    ?.split('\n')
    .filter((line) => !line.startsWith('SQL statement') && !line.includes('run_tenant_sql'))
    .slice(0, 3)
    .join(', ');
  const parts = [`${message} (${code})`, detail, hint, context && `In ${context}`];
  return parts.flatMap((part) => (part ? [part.replace(/\.$/, '')] : [])).join('. ');
}
