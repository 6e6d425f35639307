import { expect, type TestContext } from 'vitest';

/** A measurement beside the reference of the same run, in the same unit. */
export interface Ratio {
  readonly measured: number;
  readonly reference: number;
  readonly unit: 'ms' | 'req/s';
  readonly limit: { readonly kind: 'at most' | 'at least'; readonly value: number };
}

/** Keeps the ratio for the table, and fails when it misses the limit. */
export function assertRatio({ task }: TestContext, ratio: Ratio): void {
  task.meta.ratio = ratio;
  const value = ratio.measured / ratio.reference;
  if (ratio.limit.kind === 'at most') expect(value).toBeLessThanOrEqual(ratio.limit.value);
  else expect(value).toBeGreaterThanOrEqual(ratio.limit.value);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) throw new RangeError('no values');
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** Milliseconds that the work takes. */
export async function stopwatch(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
