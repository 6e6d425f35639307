import { DatabaseError } from 'pg';
import { type FieldError, RowhouseError } from '../../../kernel/errors.js';
import { isUnavailable } from '../sqlstate.js';

/** What the error belongs to, as far as the protocol tells. */
export type StatementField = 'sql' | 'parameters';

/** The statement as it is cannot be run or answered. Nothing of it is kept. */
export function refused(message: string, field: StatementField = 'sql'): RowhouseError {
  return new RowhouseError('SQL_ERROR', message, { errors: [{ field, message }] });
}

/**
 * Whether PostgreSQL failed to read the value of a parameter. Permissions and constants are looked at in the same phase
 * of the protocol; only a parameter's error has its number in the context, whatever the language of messages.
 */
export function isAboutParameter(error: unknown): boolean {
  return error instanceof DatabaseError && /\$\d/.test(error.where ?? '');
}

/** The session was ended while the server goes on: by the statement itself, or by somebody who was in its way. */
export function sessionEnded(cause: unknown): RowhouseError {
  const message = "The statement's session was terminated while it ran (SQLSTATE 57P01).";
  return new RowhouseError('SQL_ERROR', message, { errors: [{ field: 'sql', message }], cause });
}

/** PostgreSQL's error about the statement, with the place that it names; any other error as it is. */
export function toStatementError(error: unknown, sql: string, field: StatementField): unknown {
  if (!(error instanceof DatabaseError) || isUnavailable(error)) return error;
  const { message } = error;
  return new RowhouseError('SQL_ERROR', `${message} (SQLSTATE ${error.code})`, {
    errors: [{ field, message: describe(error, sql, field) }],
    cause: error,
  });
}

function describe(error: DatabaseError, sql: string, field: StatementField): FieldError['message'] {
  const place = field === 'sql' && error.position ? `${placeOf(sql, Number(error.position))}: ` : '';
  const detail = error.detail ? `; detail: ${error.detail}` : '';
  const hint = error.hint ? `; hint: ${error.hint}` : '';
  return `${place}${error.message} (SQLSTATE ${error.code})${detail}${hint}`;
}

/** `position` counts characters, from 1 (PostgreSQL manual, 55.8). */
export function placeOf(sql: string, position: number): string {
  const lines = [...sql]
    .slice(0, position - 1)
    .join('')
    .split('\n');
  return `line ${lines.length}, column ${[...(lines.at(-1) ?? '')].length + 1}`;
}
