import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { describeDirectProblem, describeMissingRules, describePooledProblem } from './login-problems.js';

const GOOD = new Map([
  ['auth_type', 'hba'],
  ['auth_hba_file', '/etc/pgbouncer/hba.conf'],
  ['auth_query', 'SELECT username, verifier FROM pg_rowhouse.user_lookup($1)'],
]);

function refusal(message: string, code: string): DatabaseError {
  return Object.assign(new DatabaseError(message, message.length, 'error'), { code });
}

test.each([
  [new Error('The server does not support SSL connections'), 'set ssl = on'],
  [refusal('no pg_hba.conf entry for host "10.0.0.1"', '28000'), 'pg_hba.conf lets no client of Rowhouse in'],
  [refusal('password authentication failed', '28P01'), 'the method scram-sha-256'],
  [refusal('sorry, too many clients already', '53300'), 'SQLSTATE 53300'],
  [Object.assign(new Error('connect to 10.0.0.1:5432'), { code: 'ECONNREFUSED' }), 'nothing listens'],
  [new Error('something about 10.0.0.1'), 'no answer'],
])('says what keeps clients from the direct port, and no address: %s', (error, words) => {
  const problem = describeDirectProblem(error);

  expect(problem).toContain(words);
  expect(problem).not.toContain('10.0.0.1');
});

test.each([
  ['login rejected', 'auth_hba_file must be the hba.conf'],
  ['no such database: rowhouse_probe', '%include the databases.ini'],
  ['bouncer config error', 'auth_file needs PGBOUNCER_AUTH_USER'],
  ['something else', 'SQLSTATE 08P01'],
])('tells what PgBouncer means by "%s"', (message, words) => {
  expect(describePooledProblem(refusal(message, '08P01'), GOOD)).toContain(words);
});

test('names a missing auth_query before what follows from it', () => {
  const settings = new Map([
    ...GOOD,
    ['auth_query', 'SELECT usename, passwd FROM pg_shadow WHERE usename=$1'],
  ]);

  expect(describePooledProblem(refusal('bouncer config error', '08P01'), settings)).toContain(
    'set auth_query =',
  );
});

test('knows by its settings whether PgBouncer goes by the rules', () => {
  expect(describeMissingRules(GOOD)).toBeNull();
  expect(describeMissingRules(null)).toBeNull();
  expect(describeMissingRules(new Map([...GOOD, ['auth_type', 'md5']]))).toContain('auth_type = hba');
  expect(describeMissingRules(new Map([...GOOD, ['auth_hba_file', '']]))).toContain('auth_hba_file');
});
