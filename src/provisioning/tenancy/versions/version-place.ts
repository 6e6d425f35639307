import { type SqlParser, SqlSyntaxError } from '../../../infra/sql-parser/sql-parser.js';
import type { TemplateFile } from '../templates/template-store.js';
import type { StatementPlace, VersionPlace } from './version-failure.js';

/** An empty statement ends what a file leaves open; the line break before it ends a comment. */
const SEPARATOR = '\n;\n';

/** The files of a version as one text. */
export function joinFiles(files: readonly TemplateFile[]): string {
  return files.map(({ sql }) => sql).join(SEPARATOR);
}

/** The file and the line of a place in the joined files; null where that cannot be told. */
export async function findPlace(
  parser: SqlParser,
  files: readonly TemplateFile[],
  at: StatementPlace,
): Promise<VersionPlace | null> {
  if (at.character !== null) return placeOfCharacter(files, at.character);
  return at.statement === null ? null : placeOfStatement(parser, files, at.statement);
}

function placeOfCharacter(files: readonly TemplateFile[], character: number): VersionPlace | null {
  let rest = character;
  for (const { name, sql } of files) {
    const characters = [...sql];
    if (rest <= characters.length)
      return { file: name, line: characters.slice(0, rest).join('').split('\n').length };
    rest -= characters.length + SEPARATOR.length;
  }
  return null;
}

async function placeOfStatement(
  parser: SqlParser,
  files: readonly TemplateFile[],
  statement: number,
): Promise<VersionPlace | null> {
  let rest = statement;
  for (const { name, sql } of files) {
    const lines = await statementLines(parser, sql);
    const line = lines?.[rest];
    if (line !== undefined) return { file: name, line };
    if (!lines) return null;
    rest -= lines.length;
  }
  return null;
}

/** Null for the syntax of servers that are newer than the parser. */
async function statementLines(parser: SqlParser, sql: string): Promise<number[] | null> {
  try {
    return (await parser.parse(sql)).statements.map(({ place }) => place.line);
  } catch (error) {
    if (error instanceof SqlSyntaxError) return null;
    throw error;
  }
}
