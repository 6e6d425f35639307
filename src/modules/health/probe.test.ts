import { expect, test } from 'vitest';
import { reasonOf } from './probe.js';

const failure = (code: string) => Object.assign(new Error('it failed'), { code });

test.each(['08P01', '57P03', '57P01', 'ENOENT', 'ECONNREFUSED', 'ECONNRESET'])(
  'a server that is away has one name, also as %s',
  (code) => {
    expect(reasonOf(failure(code))).toBe('does not answer');
  },
);

test('a server that is there and refuses says why, by its code', () => {
  expect(reasonOf(failure('53300'))).toBe('SQLSTATE 53300');
  expect(reasonOf(failure('28P01'))).toBe('SQLSTATE 28P01');
  expect(reasonOf(failure('EACCES'))).toBe('EACCES');
  expect(reasonOf(new Error('no code'))).toBe('does not answer');
});
