import { afterAll, describe, expect, test } from 'vitest';
import { SqlParser } from './sql-parser.js';

const parser = new SqlParser();
afterAll(() => parser.onApplicationShutdown());

describe('a text of several statements', () => {
  test('comes apart into them, each with its place and without the comments before it', async () => {
    const { statements } = await parser.parse(
      'SELECT 1; /* a /* b */ */\n -- c\n CREATE TABLE é (a int) ;\n-- end\n',
    );

    expect(statements.map(({ type, text, place }) => ({ type, text, place }))).toEqual([
      { type: 'SelectStmt', text: 'SELECT 1', place: { line: 1, column: 1 } },
      { type: 'CreateStmt', text: 'CREATE TABLE é (a int)', place: { line: 3, column: 2 } },
    ]);
  });

  test.each(['', ' \n', '-- nothing', '/* nothing */ ;;'])('may have none: %j', async (sql) => {
    expect((await parser.parse(sql)).statements).toEqual([]);
  });
});

test.each([
  [
    'a word',
    "SELECT 'é東🐘';\n  CREATE tabel x ();",
    'syntax error at or near "tabel"',
    { line: 2, column: 10 },
  ],
  ['the end', 'CREATE TABLE a (', 'syntax error at end of input', { line: 1, column: 17 }],
  ['a quote', "\nSELECT 'a", 'unterminated quoted string at or near "\'a"', { line: 2, column: 8 }],
])("an error at %s has PostgreSQL's message and its place", async (_, sql, message, place) => {
  await expect(parser.parse(sql)).rejects.toMatchObject({ message, place });
});

test("a text that overflows the parser's stack is refused, again and again, and breaks nothing", async () => {
  const deep = `SELECT ${'(SELECT '.repeat(3_300)}1${')'.repeat(3_300)}`;
  const wide = `SELECT 1${'+1'.repeat(100_000)}`;
  for (const sql of [deep, wide, deep]) {
    await expect(parser.parse(sql)).rejects.toThrow('too large, or nested too deep, for the parser');
  }

  expect((await parser.parse('SELECT 1')).statements).toHaveLength(1);
});

test('many texts at once each get their own answer', async () => {
  const texts = Array.from({ length: 20 }, (_, at) => 'SELECT 1;'.repeat(at + 1));

  const answers = await Promise.all(texts.map((sql) => parser.parse(sql)));

  expect(answers.map(({ statements }) => statements.length)).toEqual(texts.map((_, at) => at + 1));
});
