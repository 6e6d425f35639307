import { DatabaseError } from 'pg';
import { RowhouseError } from '../../../kernel/errors.js';
import { isLostOwnership, LOST_OWNERSHIP } from '../hosts/lost-ownership.js';

/** Why a schema did not get a version, for people. */
export interface VersionProblem {
  /** PostgreSQL's error code; null when Rowhouse itself refused. */
  readonly sqlstate: string | null;
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
  /** The version that failed; those before it are in force. */
  readonly version: number;
  /** The template's file, and the line in it, of the statement that failed; null when that cannot be told. */
  readonly file: string | null;
  readonly line: number | null;
}

export interface VersionPlace {
  readonly file: string;
  readonly line: number;
}

/** Where a statement failed in the joined files of a version, both from 0; null what PostgreSQL did not tell. */
export interface StatementPlace {
  readonly statement: number | null;
  readonly character: number | null;
}

/** PostgreSQL refused a statement of a version; the session is clean again. */
export class StatementFailed extends Error {
  constructor(
    readonly error: DatabaseError,
    readonly place: StatementPlace,
  ) {
    super(error.message, { cause: error });
    this.name = 'StatementFailed';
  }
}

/** The schema did not get the version, and nothing of what its statements did in a transaction is left. */
export class VersionFailed extends RowhouseError {
  constructor(
    readonly problem: VersionProblem,
    cause?: unknown,
  ) {
    super(problem.sqlstate === null ? 'CONFLICT' : 'SQL_ERROR', describeProblem(problem), { cause });
    this.name = 'VersionFailed';
  }
}

/** Rowhouse's own refusal: nothing was tried. */
export function refusal(version: number, message: string, hint: string | null = null): VersionFailed {
  return new VersionFailed({
    sqlstate: null,
    message,
    detail: null,
    hint,
    version,
    file: null,
    line: null,
  });
}

export function toVersionFailed(
  error: DatabaseError,
  version: number,
  place: VersionPlace | null,
): VersionFailed {
  return new VersionFailed(
    {
      sqlstate: error.code ?? null,
      message: error.message,
      detail: error.detail ?? null,
      hint: error.hint ?? (isLostOwnership(error) ? LOST_OWNERSHIP : null),
      version,
      file: place?.file ?? null,
      line: place?.line ?? null,
    },
    error,
  );
}

export function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError;
}

/** The problem in one line. */
export function describeProblem({ sqlstate, message, version, file, line }: VersionProblem): string {
  const place = file === null ? '' : `, "${file}" line ${line}`;
  const code = sqlstate === null ? '' : ` (${sqlstate})`;
  return `Version ${version}${place}: ${message}${code}`;
}
