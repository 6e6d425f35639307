import { expect, test } from 'vitest';
import { ENDS_TRANSACTION, statementsOf } from './sql-words.js';

test('finds the words of each statement', () => {
  expect(statementsOf('select a, \'b\' from "c"; ; update d set e = $1')).toEqual([
    'SELECT A FROM',
    'UPDATE D SET E',
  ]);
});

test('reads a literal of many megabytes in no time', () => {
  const sql = `SELECT '${"it''s ".repeat(1_000_000)}', E'${"\\' ".repeat(1_000_000)}'; SELECT 1`;

  expect(statementsOf(sql)).toEqual(['SELECT', 'SELECT']);
});

test.each([
  ['COMMIT', true],
  ['commit and chain', true],
  ['ROLLBACK AND CHAIN', true],
  ['/* ; */ -- \r ROLLBACK WORK AND NO CHAIN', true],
  [';;END', true],
  ['abort', true],
  ["PREPARE TRANSACTION 'x'", true],
  ["ROLLBACK PREPARED 'x'", true],
  ['ROLLBACK TO SAVEPOINT a', false],
  ['ROLLBACK TRANSACTION TO a', false],
  ['PREPARE p AS SELECT 1', false],
  ["SELECT 'COMMIT'", false],
  ['BEGIN', false],
])('sees whether %s ends the transaction: %s', (sql, ends) => {
  expect(ENDS_TRANSACTION.test(statementsOf(sql)[0] ?? '')).toBe(ends);
});
