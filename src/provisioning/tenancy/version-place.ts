import { parse } from 'libpg-query';
import type { TemplateFile } from './template-store.js';
import type { VersionPlace } from './version-failure.js';

/** An empty statement ends whatever a file leaves open; the line break ends its last comment. */
const SEPARATOR = '\n;\n';
const BLANK = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)*/y;

/** The files of a version as one text. */
export function joinFiles(files: readonly TemplateFile[]): string {
  return files.map(({ sql }) => sql).join(SEPARATOR);
}

/** Where the character stands that PostgreSQL names: `position` counts characters, from 1, in the joined files. */
export function placeOfCharacter(files: readonly TemplateFile[], position: number): VersionPlace | null {
  const before = [...joinFiles(files)].slice(0, position - 1).join('');
  return placeOf(files, before.length);
}

/** Where the statement of this index, from 0, begins in the joined files. */
export async function placeOfStatement(
  files: readonly TemplateFile[],
  index: number,
): Promise<VersionPlace | null> {
  const text = joinFiles(files);
  const starts = await statementStarts(text);
  const start = starts?.[index];
  if (start === undefined) return null;
  BLANK.lastIndex = start;
  BLANK.exec(text);
  return placeOf(files, BLANK.lastIndex);
}

/** Null where the parser, which is of one PostgreSQL version, does not know a server's newer syntax. */
async function statementStarts(text: string): Promise<number[] | null> {
  try {
    const bytes = Buffer.from(text);
    const { stmts } = (await parse(text)) as { stmts?: { stmt_location?: number }[] };
    return (stmts ?? []).map(({ stmt_location = 0 }) => bytes.subarray(0, stmt_location).toString().length);
  } catch {
    return null;
  }
}

function placeOf(files: readonly TemplateFile[], offset: number): VersionPlace | null {
  let start = 0;
  for (const { name, sql } of files) {
    if (offset >= start && offset <= start + sql.length) {
      return { file: name, line: sql.slice(0, offset - start).split('\n').length };
    }
    start += sql.length + SEPARATOR.length;
  }
  return null;
}
