import { expect, test } from 'vitest';
import { waitAfter } from './acme-renewal.js';

const times = { everyMs: 720, firstRetryMs: 5 };

test('waits half a day after success, and longer after each failure, but never longer than that', () => {
  expect([0, 1, 2, 3, 4].map((failures) => waitAfter(failures, times))).toEqual([720, 5, 10, 20, 40]);
  expect(waitAfter(100, times)).toBe(720);
});
