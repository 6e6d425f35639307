import { Logger } from '@nestjs/common';
import { isUnavailable, sqlState } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';
import {
  isDatabaseError,
  VersionFailed,
  type VersionProblem,
} from '../../../provisioning/tenancy/versions/version-failure.js';

const logger = new Logger('Migrations');

/** What people are told of the error that a tenant failed with on its way to a version. */
export function toProblem(error: unknown, version: number): VersionProblem {
  if (error instanceof VersionFailed) return error.problem;
  const sqlstate = sqlState(error) ?? null;
  const message = messageOf(error, sqlstate);
  return { sqlstate, message, detail: null, hint: null, version, file: null, line: null };
}

function messageOf(error: unknown, sqlstate: string | null): string {
  if (isDatabaseError(error) || error instanceof RowhouseError) return error.message;
  if (isUnavailable(error)) return `The connection was lost (${sqlstate ?? 'no error code'}).`;
  logger.error('A tenant could not be migrated', error);
  return 'Internal error; the log says more.';
}
