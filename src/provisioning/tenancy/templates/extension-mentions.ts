import type { SqlStatement } from '../../../infra/sql-parser/sql-parser.js';

/** A function or a type that an extension brings. */
export interface ExtensionMember {
  readonly extension: string;
  readonly name: string;
  readonly kind: 'function' | 'type';
}

/** Statements whose text PostgreSQL does not keep dependencies of: bodies of functions, and what runs once. */
const RUNNING: ReadonlySet<string> = new Set([
  'CallStmt',
  'CreateFunctionStmt',
  'CreateTableAsStmt',
  'DeleteStmt',
  'DoStmt',
  'InsertStmt',
  'MergeStmt',
  'SelectStmt',
  'UpdateStmt',
]);

/**
 * The extensions that running statements name something of. Names are looked for in the text, strings and bodies
 * included, so there may be one too many; that only costs an extension that nobody uses.
 */
export function mentionedExtensions(
  statements: readonly SqlStatement[],
  members: readonly ExtensionMember[],
): string[] {
  const text = statements
    .filter(({ type }) => RUNNING.has(type))
    .map((statement) => statement.text.toLowerCase())
    .join('\n');
  const words = new Set(text.match(/[\p{L}_][\p{L}\p{N}_$]*/gu) ?? []);
  const calls = new Set([...text.matchAll(/([\p{L}_][\p{L}\p{N}_$]*)"?\s*\(/gu)].map(([, name]) => name));
  const named = members.filter(({ name, kind }) => (kind === 'type' ? words : calls).has(name));
  return [...new Set(named.map(({ extension }) => extension))];
}
