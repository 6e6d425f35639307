import { expect, test } from 'vitest';
import { stockTarget } from './stock-target.js';

test.each([
  [3, 0, 3],
  [3, 8, 8],
  [3, 500, 20],
  [50, 500, 50],
  [0, 500, 0],
])('configured %i and %i creations in the last minute keep %i', (configured, lastMinute, target) => {
  expect(stockTarget(configured, lastMinute)).toBe(target);
});
