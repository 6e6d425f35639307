import { expect, test } from 'vitest';
import { poolerCapabilities } from './pooler-capabilities.js';

test.each([
  ['PgBouncer 1.18.0', '1.18.0', [false, false, false]],
  ['PgBouncer 1.19.1', '1.19.1', [true, false, false]],
  ['PgBouncer 1.21.0', '1.21.0', [true, true, false]],
  ['PgBouncer 1.24.1', '1.24.1', [true, true, true]],
  ['PgBouncer 2.0', '2.0', [true, true, true]],
])('knows what %s can do', (answer, version, [hasAuthDbname, hasPreparedStatements, canKillClient]) => {
  expect(poolerCapabilities(answer)).toEqual({
    version,
    hasAuthDbname,
    hasPreparedStatements,
    canKillClient,
  });
});

test('refuses an answer without a version', () => {
  expect(() => poolerCapabilities('PgBouncer')).toThrow('no PgBouncer version');
});
