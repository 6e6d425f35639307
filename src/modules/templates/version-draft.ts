import { type FieldError, RowhouseError } from '../../kernel/errors.js';
import type { TemplateFile } from '../../provisioning/tenancy/templates/template-store.js';

export const MAX_FILES = 200;
export const MAX_VERSION_BYTES = 1024 * 1024;
/** What a version that was given as one text is called among files. */
const SOLE_FILE = 'version.sql';
const MARK = /^--[ \t]*rowhouse:[ \t]*no transaction[ \t]*\r?$/i;

/** What a request says of a version. */
export interface VersionRequest {
  readonly files?: readonly {
    readonly name: string;
    readonly kind?: TemplateFile['kind'];
    readonly sql: string;
  }[];
  readonly sql?: string;
  readonly description?: string;
  readonly transaction?: boolean;
}

export interface DraftFile extends TemplateFile {
  /** Where its text stands in the request: `files[2].sql`. */
  readonly field: string;
}

/** A version that nobody has looked into yet. */
export interface VersionDraft {
  readonly files: readonly DraftFile[];
  readonly description: string;
  readonly transactional: boolean;
  /** The field that holds it all: `files` or `sql`. */
  readonly field: string;
}

/** Throws VALIDATION_FAILED. */
export function draftOf(request: VersionRequest): VersionDraft {
  const files = filesOf(request);
  const field = request.files ? 'files' : 'sql';
  const problems = [...sizeProblems(files, field), ...nameProblems(files), ...markProblems(request, files)];
  if (problems.length > 0) throw invalidVersion(problems);
  const transactional = request.transaction ?? !files.some(isMarked);
  return { files, field, transactional, description: request.description ?? '' };
}

export function hasVersion({ files, sql }: VersionRequest): boolean {
  return files !== undefined || sql !== undefined;
}

export function invalidVersion(errors: readonly FieldError[]): RowhouseError {
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new RowhouseError('VALIDATION_FAILED', detail, { errors });
}

function filesOf({ files, sql }: VersionRequest): DraftFile[] {
  if (files && sql !== undefined) {
    throw invalidVersion([{ field: 'sql', message: 'give either files or sql' }]);
  }
  if (files) return files.map((file, at) => toDraftFile(file, `files[${at}].sql`));
  if (sql === undefined)
    throw invalidVersion([{ field: 'files', message: 'is required, unless there is sql' }]);
  return [toDraftFile({ name: SOLE_FILE, sql }, 'sql')];
}

function toDraftFile(
  { name, sql, kind }: { name: string; sql: string; kind?: TemplateFile['kind'] },
  field: string,
): DraftFile {
  return { name, kind: kind ?? (/seed/i.test(name) ? 'seed' : 'schema'), sql, field };
}

function sizeProblems(files: readonly DraftFile[], field: string): FieldError[] {
  const bytes = files.reduce((sum, { sql }) => sum + Buffer.byteLength(sql), 0);
  if (bytes <= MAX_VERSION_BYTES) return [];
  return [{ field, message: `must have at most ${MAX_VERSION_BYTES} bytes altogether, not ${bytes}` }];
}

function nameProblems(files: readonly DraftFile[]): FieldError[] {
  return files.flatMap(({ name }, at) => {
    const first = files.findIndex((file) => file.name === name);
    return first === at ? [] : [{ field: `files[${at}].name`, message: `files[${first}] has this name too` }];
  });
}

function markProblems({ transaction }: VersionRequest, files: readonly DraftFile[]): FieldError[] {
  const marked = files.find(isMarked);
  if (!transaction || !marked) return [];
  return [
    { field: 'transaction', message: `is true, but the first line of "${marked.name}" says: no transaction` },
  ];
}

/** Whether the first line says so. */
function isMarked({ sql }: TemplateFile): boolean {
  return MARK.test(sql.split('\n', 1)[0] ?? '');
}
