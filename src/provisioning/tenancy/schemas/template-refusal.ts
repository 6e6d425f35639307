import { DatabaseError } from 'pg';
import { RowhouseError } from '../../../kernel/errors.js';

/** What statements are refused with, as opposed to locks, limits and lost connections. */
const TEMPLATE_ERRORS = /^(0A|22|23|42|P0)/;

/** Where a template runs in one database and not in another: an extension is missing, or a type of the host's own. */
export function asRefusal(error: unknown): unknown {
  const isTemplates = error instanceof DatabaseError && TEMPLATE_ERRORS.test(error.code ?? '');
  if (!isTemplates) return error;
  const place = error.detail ? ` ${error.detail}` : '';
  return new RowhouseError(
    'SQL_ERROR',
    `The template does not run in this database: ${error.message} (SQLSTATE ${error.code}).${place}`,
    { cause: error },
  );
}
