import { Injectable } from '@nestjs/common';
import { SqlParser, type SqlStatement, SqlSyntaxError } from '../../infra/sql-parser/sql-parser.js';
import type { FieldError } from '../../kernel/errors.js';
import type { OnlineStatement, TemplateFile } from '../../provisioning/tenancy/templates/template-store.js';
import { type CheckedFile, type CheckedVersion, problemAt } from './checked-version.js';
import { type CheckedOnline, judgeOnline } from './rules/online-rules.js';
import { explainSyntaxError } from './rules/syntax-hints.js';
import { refuseStatement } from './rules/transactional-rules.js';
import { withoutConcurrently } from './rules/without-concurrently.js';
import { checksumOf } from './version-checksum.js';
import { type DraftFile, invalidVersion, type VersionDraft } from './version-draft.js';

/** More would hide the first ones. */
const MAX_PROBLEMS = 20;

/** Reads versions as PostgreSQL does, and refuses what no template may do before anything runs. */
@Injectable()
export class VersionReader {
  constructor(private readonly parser: SqlParser) {}

  /** Throws VALIDATION_FAILED, which names every bad place. */
  async read(draft: VersionDraft): Promise<CheckedVersion> {
    const files = await this.parse(draft.files);
    assertStatements(draft, files);
    return draft.transactional ? checkTransactional(draft, files) : this.checkOnline(draft, files);
  }

  private async parse(files: readonly DraftFile[]): Promise<CheckedFile[]> {
    const parsed: CheckedFile[] = [];
    const problems: FieldError[] = [];
    for (const file of files) {
      try {
        const { statements } = await this.parser.parse(file.sql);
        parsed.push({ ...file, statements });
      } catch (error) {
        if (!(error instanceof SqlSyntaxError)) throw error;
        problems.push(problemAt(file, error.place, explainSyntaxError(file.sql, error)));
      }
    }
    assertNone(problems);
    return parsed;
  }

  private async checkOnline(draft: VersionDraft, files: readonly CheckedFile[]): Promise<CheckedVersion> {
    const judged = files.map((file) => ({ file, verdicts: file.statements.map(judgeOnline) }));
    assertNone(
      judged.flatMap(({ file, verdicts }) =>
        problemsOf(file, (_, at) => {
          const verdict = verdicts[at];
          return typeof verdict === 'string' ? verdict : null;
        }),
      ),
    );
    const freshFiles: TemplateFile[] = [];
    for (const { file, verdicts } of judged) {
      freshFiles.push({
        name: file.name,
        kind: file.kind,
        sql: await this.freshSql(verdicts as CheckedOnline[]),
      });
    }
    const statements = judged.flatMap(({ verdicts }) => (verdicts as CheckedOnline[]).map(toStored));
    return { ...draft, files, freshFiles, statements, checksum: checksumOf(draft) };
  }

  /** What a new schema runs instead: it has no rows yet, so nothing has to go on meanwhile. */
  private async freshSql(statements: readonly CheckedOnline[]): Promise<string> {
    const definitions = statements.filter(({ isDefinition }) => isDefinition);
    const plain = [];
    for (const { sql } of definitions) plain.push(`${await withoutConcurrently(this.parser, sql)}\n;\n`);
    return plain.join('');
  }
}

function checkTransactional(draft: VersionDraft, files: readonly CheckedFile[]): CheckedVersion {
  assertNone(files.flatMap((file) => problemsOf(file, refuseStatement)));
  const freshFiles = files.map(({ name, kind, sql }) => ({ name, kind, sql }));
  return { ...draft, files, freshFiles, statements: [], checksum: checksumOf(draft) };
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
