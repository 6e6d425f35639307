import type { SqlStatement } from '../../infra/sql-parser/sql-parser.js';
import type { TextPlace } from '../../infra/sql-parser/sql-text.js';
import type { FieldError } from '../../kernel/errors.js';
import type { OnlineStatement, TemplateFile } from '../../provisioning/tenancy/templates/template-store.js';
import type { DraftFile } from './version-draft.js';

export interface CheckedFile extends DraftFile {
  readonly statements: readonly SqlStatement[];
}

/** A version of which each statement was read and is allowed; it has not run yet. */
export interface CheckedVersion {
  readonly files: readonly CheckedFile[];
  readonly transactional: boolean;
  readonly description: string;
  readonly field: string;
  readonly checksum: string;
  readonly freshFiles: readonly TemplateFile[];
  /** Empty when transactional. */
  readonly statements: readonly OnlineStatement[];
}

/** One that ran where nobody lives. */
export interface TriedVersion extends CheckedVersion {
  /** What a database needs for it and those before it. */
  readonly extensions: readonly string[];
}

/** A problem at a place in a file. */
export function problemAt(
  { field }: Pick<DraftFile, 'field'>,
  place: TextPlace,
  message: string,
): FieldError {
  return { field, message: `line ${place.line}, column ${place.column}: ${message}` };
}
