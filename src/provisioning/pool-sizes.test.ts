import { expect, test } from 'vitest';
import { poolSizes } from './pool-sizes.js';

test.each([
  [1, false, 1],
  [2, false, 1],
  [5, false, 4],
  [20, false, 16],
  [20, true, 15],
  [100, false, 80],
])('a home of %i connections (shadow: %s) has %i in its pool', (maxConnections, hasShadow, main) => {
  expect(poolSizes({ maxConnections, hasShadow }).main).toBe(main);
});

test('leaves at least one connection to direct sessions where there are enough', () => {
  for (let maxConnections = 3; maxConnections < 200; maxConnections++) {
    const { main, shadow } = poolSizes({ maxConnections, hasShadow: true });
    expect(main + shadow).toBeLessThan(maxConnections);
  }
});
