import type { SqlSyntaxError } from '../../../infra/sql-parser/sql-parser.js';

const COPY_DATA = /^[ \t]*COPY\b[^;]*\bFROM\s+stdin\b/im;

/** The text without what psql alone understands at the place, with as many lines; null where nothing of that is. */
export function withoutPsql(sql: string, { line }: SqlSyntaxError['place']): string | null {
  const lines = sql.split('\n');
  const copy = lines.slice(0, line).findLastIndex((text) => COPY_DATA.test(text));
  const end = copy < 0 ? -1 : lines.findIndex((text, at) => at > copy && /^\\\.\r?$/.test(text));
  if (end >= line - 1) lines.fill('', copy + 1, end + 1);
  else if (lines[line - 1]?.startsWith('\\')) lines[line - 1] = '';
  else return null;
  return lines.join('\n');
}

/** PostgreSQL's message, or what is really the matter where a file was written for psql. */
export function explainSyntaxError(sql: string, { message, place }: SqlSyntaxError): string {
  const line = sql.split('\n')[place.line - 1] ?? '';
  const rest = [...line].slice(place.column - 1).join('');
  const [command] = /^\\\S*/.exec(rest) ?? [];
  if (command) return `${command} is a command of psql, not SQL: leave it out`;
  const before = sql.split('\n').slice(0, place.line).join('\n');
  if (COPY_DATA.test(before)) {
    return `${message}: the data after COPY … FROM stdin is for psql; write INSERT (pg_dump --inserts)`;
  }
  return message;
}
