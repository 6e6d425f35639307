import { expect, test } from 'vitest';
import { assertTransactional, statementsOf } from './statement-check.js';

test.each([
  'COMMIT',
  ' commit;',
  'END',
  'BEGIN',
  'start transaction',
  'ABORT',
  'ROLLBACK',
  'rollback work',
  'ROLLBACK AND CHAIN',
  "PREPARE TRANSACTION 'x'",
  "COMMIT PREPARED 'x'",
  'SELECT 1; COMMIT; SELECT 2',
  "SELECT ';'; /* nested /* ; */ */ COMMIT",
  '-- a comment\nCOMMIT',
  "SELECT E'\\''; COMMIT; --'",
  'SELECT $$;$$; COMMIT',
  'SELECT $q$ $$ $q$; COMMIT',
  'SELECT "a;""b"; COMMIT',
  'SET search_path = public',
  'SET SESSION search_path TO public',
  'SET ROLE tenant_0002',
  'SET LOCAL ROLE tenant_0002',
  "SET LOCAL SESSION AUTHORIZATION 'x'",
  'RESET ROLE',
  'RESET ALL',
  'DISCARD ALL',
  'LISTEN x',
  'UNLISTEN *',
  'PREPARE p AS SELECT 1',
  'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
  'declare c no scroll cursor with hold for select 1',
])('refuses %s', (sql) => {
  expect(() => assertTransactional(sql)).toThrow(expect.objectContaining({ code: 'STATEMENT_REFUSED' }));
});

test.each([
  'SELECT 1',
  '',
  ';',
  "SELECT 'COMMIT; ROLLBACK'",
  "SELECT 'it''s; COMMIT'",
  "SELECT E'\\'; COMMIT'",
  "SELECT E'\\\\', 'x'",
  'SELECT $$; COMMIT; $$',
  'SELECT $tag$; COMMIT; $$ ; $tag$',
  'SELECT "; COMMIT"',
  '/* ; COMMIT */ SELECT 1',
  '/* a /* ; COMMIT */ ; COMMIT */ SELECT 1',
  'SELECT 1 -- ; COMMIT',
  'SELECT $1, $2',
  'SELECT a$1 FROM commit',
  'SAVEPOINT a',
  'ROLLBACK TO a',
  'ROLLBACK TO SAVEPOINT a',
  'ROLLBACK WORK TO a',
  'RELEASE SAVEPOINT typeorm_1',
  'SET LOCAL statement_timeout = 100',
  'SET CONSTRAINTS ALL DEFERRED',
  'SET TRANSACTION READ ONLY',
  'DECLARE c CURSOR FOR SELECT 1',
  'EXECUTE p',
  'DEALLOCATE p',
  'COPY t FROM STDIN WITH (FORMAT csv)',
  'WITH begin AS (SELECT 1) SELECT * FROM begin',
  "SELECT 'never ends; COMMIT",
])('takes %s', (sql) => {
  expect(() => assertTransactional(sql)).not.toThrow();
});

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
