import { DatabaseError } from 'pg';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';

/** What statements are refused with, as opposed to limits and lost connections, which another attempt may be spared. */
const COPY_ERRORS = /^(0A|22|23|2B|38|42|44|P0)/;
const IN_THE_WAY = new Set<string | undefined>([SQLSTATE.lockNotAvailable, SQLSTATE.objectInUse]);

/** What PostgreSQL says of rows that cannot be read, or do not go into the clone's tables. */
export function asCopyRefusal(error: unknown): unknown {
  const state = sqlState(error);
  if (IN_THE_WAY.has(state)) {
    return new RowhouseError('RESOURCE_BUSY', 'The tables of the tenant are being changed.', {
      cause: error,
    });
  }
  if (!(error instanceof DatabaseError) || !COPY_ERRORS.test(state ?? '')) return error;
  return new RowhouseError(
    'CONFLICT',
    `The tenant cannot be copied with its rows: ${error.message} (SQLSTATE ${state}).`,
    { cause: error },
  );
}
