import type { SqlStatement } from '../../infra/sql-parser/sql-parser.js';

/** What pg_dump begins with and says between tables. It is for the session of psql, so it is without effect here. */
const PREAMBLE: ReadonlySet<string> = new Set([
  'SET statement_timeout = 0',
  'SET lock_timeout = 0',
  'SET idle_in_transaction_session_timeout = 0',
  'SET transaction_timeout = 0',
  "SET client_encoding = 'UTF8'",
  'SET standard_conforming_strings = on',
  "SELECT pg_catalog.set_config('search_path', '', false)",
  'SET check_function_bodies = false',
  'SET xmloption = content',
  'SET client_min_messages = warning',
  'SET row_security = off',
  "SET default_tablespace = ''",
  'SET default_table_access_method = heap',
]);

const RESTRICT = /^\\restrict ([0-9A-Za-z]+)\r?$/;
const UNRESTRICT = /^\\unrestrict ([0-9A-Za-z]+)\r?$/;
const EMPTY = /^\s*(--.*)?$/;

/**
 * Makes comments of the two lines between which pg_dump restricts psql: nothing but comments stands before the first or
 * after the last, and both have the same key. Every other command of psql stays, and is refused.
 */
export function withoutRestriction(sql: string): string {
  const lines = sql.split('\n');
  const first = lines.findIndex((line) => !EMPTY.test(line));
  const last = lines.findLastIndex((line) => !EMPTY.test(line));
  const [, key] = RESTRICT.exec(lines[first] ?? '') ?? [];
  const [, end] = UNRESTRICT.exec(lines[last] ?? '') ?? [];
  if (key === undefined || key !== end) return sql;
  return lines.map((line, at) => (at === first || at === last ? `-- ${line}` : line)).join('\n');
}

/** Makes comments of the statements of the preamble, each of which stands in a line of its own, as pg_dump writes them. */
export function withoutPreamble(sql: string, statements: readonly SqlStatement[]): string {
  const lines = sql.split('\n');
  for (const { text, place } of statements) {
    const line = lines[place.line - 1] ?? '';
    if (PREAMBLE.has(text) && line.trimEnd() === `${text};`) lines[place.line - 1] = `-- ${line}`;
  }
  return lines.join('\n');
}
