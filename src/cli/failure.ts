import { ConfigError } from '../config/load-config.js';
import { LoginError } from '../infra/postgres/login-error.js';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { UnsupportedPostgres } from '../infra/postgres/supported-versions.js';
import { RowhouseError } from '../kernel/errors.js';
import { maskText } from '../kernel/masking.js';
import { StackError } from '../stack/stack-error.js';
import { ApiFailure } from './api-client.js';

/** Says in one line why the command failed, and ends the process with 1. */
export function reportFailure(error: unknown): never {
  process.stderr.write(`✖ ${maskText(describe(error))}\n`);
  if (error instanceof StackError || error instanceof ApiFailure) {
    for (const line of error.details) process.stderr.write(`    ${maskText(line)}\n`);
  }
  process.exit(1);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = [
    StackError,
    ApiFailure,
    ConfigError,
    RowhouseError,
    UnsupportedPostgres,
    LoginError,
  ].some((kind) => error instanceof kind);
  if (isExpected) return error.message;
  if (isUnavailable(error))
    return `PostgreSQL or PgBouncer does not answer: ${messageOf(error)}. Check DB_HOST, DB_PORT, DB_PGBOUNCER_HOST and DB_PGBOUNCER_PORT`;
  return error.stack ?? error.message;
}

/** The several addresses of one host give an AggregateError, which has no message of its own. */
function messageOf(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((inner: Error) => inner.message).join(', ')
    : error.message;
}
