import { RowhouseError } from '../../../kernel/errors.js';
import { quoteLiteral } from '../../../kernel/identifiers.js';
import type { PostgresAdmin } from '../postgres-admin.js';
import { SQLSTATE, sqlState } from '../sqlstate.js';
import type { HbaFile } from './hba-file.js';

const FIND_PATH = `SELECT pg_catalog.current_setting('hba_file') AS path`;
const READ = `
  SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file(pg_catalog.current_setting('hba_file')), 'base64') AS content`;

/** pg_hba.conf of a server elsewhere, through SQL and a shell on it. */
export class SqlHbaFile implements HbaFile {
  constructor(private readonly postgres: PostgresAdmin) {}

  async read(): Promise<string> {
    const [row] = await this.attempt('read', () => this.postgres.query<{ content: string }>(READ));
    return Buffer.from(row?.content ?? '', 'base64').toString('latin1');
  }

  async write(text: string): Promise<void> {
    const content = Buffer.from(text, 'latin1').toString('base64');
    const [row] = await this.attempt('read', () => this.postgres.query<{ path: string }>(FIND_PATH));
    const program = quoteLiteral(replaceFromInput(row?.path ?? ''));
    await this.attempt('written', () =>
      this.postgres.execute(`COPY (SELECT ${quoteLiteral(content)}) TO PROGRAM ${program}`),
    );
  }

  private async attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toRowhouseError(what, error);
    }
  }
}

/**
 * A command for the server's shell that puts what it reads, in base64, in the place of the file. The copy made first
 * carries the owner and the mode; it stands beside the file, since only within one file system a rename is atomic.
 */
function replaceFromInput(path: string): string {
  return [
    'set -e',
    `file=$(readlink -f -- ${quoteForShell(path)})`,
    'next="$file.rowhouse.$$"',
    `trap 'rm -f -- "$next"' EXIT`,
    'cp -p -- "$file" "$next"',
    'base64 -d > "$next"',
    'sync -- "$next"',
    'mv -f -- "$next" "$file"',
    'sync -- "$(dirname -- "$file")"',
  ].join('; ');
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function toRowhouseError(what: string, error: unknown): unknown {
  const state = sqlState(error);
  if (state === SQLSTATE.insufficientPrivilege) {
    return new RowhouseError(
      'CONFLICT',
      `pg_hba.conf could not be ${what} through SQL: PG_ADMIN_USER must be a superuser for that, or PG_HBA_FILE must name the file where it is on this machine.`,
      { cause: error },
    );
  }
  if (state !== SQLSTATE.externalRoutineException && state !== SQLSTATE.undefinedFile) return error;
  return new RowhouseError(
    'OPERATION_FAILED',
    `pg_hba.conf could not be ${what} on the server: ${describe(error)}. PostgreSQL's log says why.`,
    { cause: error },
  );
}

function describe(error: unknown): string {
  const { message, detail } = error as { message: string; detail?: string };
  return detail === undefined ? message : `${message}: ${detail}`;
}
