import { expect, test } from 'vitest';
import { isLookedUp } from './pgbouncer-admin.js';

test.each<[string, string, boolean]>([
  ['tenant_0001', 'tenant_0001', true],
  ['(nouser)', 'tenant_0001', false],
  ['(nouser)', 'rowhouse_lookup', false],
  ['tenant_0001', 'rowhouse_lookup', false],
])('the login of %s on %s has been looked up: %s', (user, database, expected) => {
  expect(isLookedUp({ user, database })).toBe(expected);
});
