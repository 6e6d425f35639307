import { Injectable } from '@nestjs/common';
import { SqlParser, type SqlStatement, SqlSyntaxError } from '../../infra/sql-parser/sql-parser.js';
import type { FieldError } from '../../kernel/errors.js';
import type { OnlineStatement, TemplateFile } from '../../provisioning/tenancy/templates/template-store.js';
import { type CheckedFile, type CheckedVersion, problemAt } from './checked-version.js';
import { withoutPreamble, withoutRestriction } from './dump-preamble.js';
import { type CheckedOnline, judgeOnline } from './rules/online-rules.js';
import { explainSyntaxError, withoutPsql } from './rules/syntax-hints.js';
import { refuseStatement } from './rules/transactional-rules.js';
import { withoutConcurrently } from './rules/without-concurrently.js';
import { checksumOf } from './version-checksum.js';
import { type DraftFile, invalidVersion, type VersionDraft } from './version-draft.js';

/** More would hide the first ones. */
const MAX_PROBLEMS = 100;
/** Each is found by reading the file once more. */
const MAX_PSQL_COMMANDS = 20;

interface ParsedFile {
  readonly file: CheckedFile;
  readonly problems: readonly FieldError[];
}

type ParsedVersion = Omit<VersionDraft, 'files'> & { readonly files: readonly CheckedFile[] };

/** Reads versions as PostgreSQL does, and refuses what no template may do before anything runs. */
@Injectable()
export class VersionReader {
  constructor(private readonly parser: SqlParser) {}

  /** Throws VALIDATION_FAILED, which names every bad place. */
  async read(draft: VersionDraft): Promise<CheckedVersion> {
    const parsed: ParsedFile[] = [];
    for (const file of draft.files) parsed.push(await this.parse(file));
    const files = parsed.map(({ file }) => file);
    const problems = parsed.flatMap((each) => each.problems);
    if (problems.length === 0) assertStatements(draft, files);
    const version = { ...draft, files };
    return version.transactional
      ? checkTransactional(version, problems)
      : this.checkOnline(version, problems);
  }

  /** After a command of psql it reads on, so that whoever wrote the file learns of the rest too. */
  private async parse(draft: DraftFile): Promise<ParsedFile> {
    const problems: FieldError[] = [];
    let sql: string | null = withoutRestriction(draft.sql);
    while (sql !== null && problems.length <= MAX_PSQL_COMMANDS) {
      try {
        const { statements } = await this.parser.parse(sql);
        const plain = withoutPreamble(sql, statements);
        if (plain === sql) return { file: { ...draft, sql, statements }, problems };
        sql = plain;
      } catch (error) {
        if (!(error instanceof SqlSyntaxError)) throw error;
        problems.push(problemAt(draft, error.place, explainSyntaxError(sql, error)));
        sql = withoutPsql(sql, error.place);
      }
    }
    return { file: { ...draft, statements: [] }, problems };
  }

  private async checkOnline(
    version: ParsedVersion,
    problems: readonly FieldError[],
  ): Promise<CheckedVersion> {
    const { files } = version;
    const judged = files.map((file) => ({ file, verdicts: file.statements.map(judgeOnline) }));
    assertNone([
      ...problems,
      ...judged.flatMap(({ file, verdicts }) =>
        problemsOf(file, (_, at) => {
          const verdict = verdicts[at];
          return typeof verdict === 'string' ? verdict : null;
        }),
      ),
    ]);
    const freshFiles: TemplateFile[] = [];
    for (const { file, verdicts } of judged) {
      freshFiles.push({
        name: file.name,
        kind: file.kind,
        sql: await this.freshSql(verdicts as CheckedOnline[]),
      });
    }
    const statements = judged.flatMap(({ verdicts }) => (verdicts as CheckedOnline[]).map(toStored));
    return { ...version, freshFiles, statements, checksum: checksumOf(version) };
  }

  /** What a new schema runs instead: it has no rows yet, so nothing has to go on meanwhile. */
  private async freshSql(statements: readonly CheckedOnline[]): Promise<string> {
    const definitions = statements.filter(({ isDefinition }) => isDefinition);
    const plain = [];
    for (const { sql } of definitions) plain.push(`${await withoutConcurrently(this.parser, sql)}\n;\n`);
    return plain.join('');
  }
}

function checkTransactional(version: ParsedVersion, problems: readonly FieldError[]): CheckedVersion {
  assertNone([...problems, ...version.files.flatMap((file) => problemsOf(file, refuseStatement))]);
  const freshFiles = version.files.map(({ name, kind, sql }) => ({ name, kind, sql }));
  return { ...version, freshFiles, statements: [], checksum: checksumOf(version) };
}

function problemsOf(
  file: CheckedFile,
  refuse: (statement: SqlStatement, at: number) => string | null,
): FieldError[] {
  return file.statements.flatMap((statement, at) => {
    const reason = refuse(statement, at);
    return reason === null ? [] : [problemAt(file, statement.place, reason)];
  });
}

function assertStatements({ field }: VersionDraft, files: readonly CheckedFile[]): void {
  if (files.some(({ statements }) => statements.length > 0)) return;
  throw invalidVersion([{ field, message: 'must have a statement' }]);
}

function assertNone(problems: readonly FieldError[]): void {
  if (problems.length === 0) return;
  const more = problems.length - MAX_PROBLEMS;
  const [last] = problems.slice(MAX_PROBLEMS);
  const shown = problems.slice(0, MAX_PROBLEMS);
  throw invalidVersion(last ? [...shown, { field: last.field, message: `and ${more} more` }] : shown);
}

function toStored({ sql, action, index }: CheckedOnline): OnlineStatement {
  return { sql, action, index };
}
