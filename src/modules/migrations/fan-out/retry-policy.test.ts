import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { toVersionFailed } from '../../../provisioning/tenancy/versions/version-failure.js';
import { isWorthRetrying, retryDelay } from './retry-policy.js';

function refused(code: string) {
  return toVersionFailed(Object.assign(new DatabaseError('no', 2, 'error'), { code }), 2, null);
}

test('tries again what somebody was in the way of, and nothing else', () => {
  const states = ['55P03', '40P01', '40001', '23505', '57014', '42601'];

  expect(states.filter((state) => isWorthRetrying(refused(state)))).toEqual(['55P03', '40P01', '40001']);
  expect(isWorthRetrying(Object.assign(new Error('gone'), { code: 'ECONNRESET' }))).toBe(true);
  expect(isWorthRetrying(new TypeError('a bug'))).toBe(false);
});

test('waits twice as long after each attempt, up to ten seconds', () => {
  const delays = [1, 2, 3, 10].map((attempts) => retryDelay(attempts, () => 1));

  expect(delays).toEqual([400, 800, 1_600, 10_000]);
  expect(retryDelay(1, () => 0)).toBe(200);
});
