import { expect, test } from 'vitest';
import { explainLogin } from './login-error.js';

const login = {
  server: 'PostgreSQL',
  user: 'postgres',
  userVariable: 'PG_ADMIN_USER',
  passwordVariable: 'PG_ADMIN_PASSWORD',
  isPasswordSet: true,
};

test.each([
  Object.assign(new Error('password authentication failed'), { code: '28P01' }),
  new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
])('a refused password names its variable: %s', (error) => {
  expect(explainLogin(error, login)).toMatchObject({
    message: 'PostgreSQL refuses the password of postgres: check PG_ADMIN_PASSWORD (and PG_ADMIN_USER)',
  });
});

test('a password that nobody gave is told as that', () => {
  const error = new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string');

  expect(explainLogin(error, { ...login, isPasswordSet: false })).toMatchObject({
    message: 'PG_ADMIN_PASSWORD is not set: PostgreSQL wants the password of postgres',
  });
});

test('a user without a line is told apart, and other errors stay', () => {
  const other = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

  expect(explainLogin(Object.assign(new Error('no entry'), { code: '28000' }), login)).toMatchObject({
    message: 'PostgreSQL does not let postgres in: check PG_ADMIN_USER, and the line for it in pg_hba.conf',
  });
  expect(explainLogin(other, login)).toBe(other);
});
