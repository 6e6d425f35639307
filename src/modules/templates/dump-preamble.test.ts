import { afterAll, describe, expect, test } from 'vitest';
import { SqlParser } from '../../infra/sql-parser/sql-parser.js';
import { withoutPreamble, withoutRestriction } from './dump-preamble.js';

const parser = new SqlParser();
afterAll(() => parser.onApplicationShutdown());

describe('the lines that restrict psql', () => {
  test('become comments', () => {
    expect(withoutRestriction('--\n-- dump\n\n\\restrict a1B\n\nSELECT 1;\n\n\\unrestrict a1B\n\n')).toBe(
      '--\n-- dump\n\n-- \\restrict a1B\n\nSELECT 1;\n\n-- \\unrestrict a1B\n\n',
    );
  });

  test.each([
    'SELECT 1;\n\\restrict a\nSELECT 2;\n\\unrestrict a\n',
    '\\restrict a\nSELECT 1;\n\\unrestrict b\n',
    '\\restrict a\nSELECT 1;\n',
    '\\restrict a b\nSELECT 1;\n\\unrestrict a b\n',
    '\\i a\nSELECT 1;\n\\unrestrict a\n',
  ])('stay where pg_dump would not write them: %j', (sql) => {
    expect(withoutRestriction(sql)).toBe(sql);
  });
});

test("pg_dump's settings become comments, and nothing else does", async () => {
  const sql = [
    'SET statement_timeout = 0;',
    "SELECT pg_catalog.set_config('search_path', '', false);",
    "SELECT pg_catalog.set_config('search_path', 'x', false);",
    'SET work_mem = 1000;',
    'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN',
    'SET row_security = off;',
    'END $$;',
    "SET default_tablespace = '';",
  ];
  const { statements } = await parser.parse(sql.join('\n'));

  const found = withoutPreamble(sql.join('\n'), statements).split('\n');

  expect(found.map((line) => line.startsWith('-- '))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
});
