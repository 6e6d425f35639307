import type { Node } from 'libpg-query';
import type { SqlParser } from '../../../infra/sql-parser/sql-parser.js';

const WORD = /\bconcurrently\b/gi;

/**
 * The same statement without CONCURRENTLY, as a new schema runs it. Which of the words is the keyword is proved by the
 * parser: without it, everything else in the tree must be as it was, and at the same places.
 */
export async function withoutConcurrently(parser: SqlParser, sql: string): Promise<string> {
  const before = await soleTree(parser, sql);
  for (const { index, 0: word } of sql.matchAll(WORD)) {
    const [head, tail] = [sql.slice(0, index), sql.slice(index + word.length)];
    const after = await soleTree(parser, head + ' '.repeat(word.length) + tail).catch(() => null);
    if (after && isSameButWaiting(before, after)) return head + tail.replace(/^ /, '');
  }
  throw new Error('the statement has no keyword CONCURRENTLY');
}

async function soleTree(parser: SqlParser, sql: string): Promise<Node | null> {
  const { statements } = await parser.parse(sql);
  return statements.length === 1 ? (statements[0]?.node ?? null) : null;
}

function isSameButWaiting(before: Node | null, after: Node): boolean {
  return JSON.stringify(before).replace(',"concurrent":true', '') === JSON.stringify(after);
}
