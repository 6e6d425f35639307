import { test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { mapParallel } from '../support/parallel.js';
import { startWorld } from '../support/world.js';
import { timeCreate, untilQuiet } from './creates.js';
import { assertRatio, median } from './ratio.js';

const EARLY = 10;
const LATE = 200;
/** One create is noise: each side is the median of this many around its number. */
const WINDOW = 15;

const world = await startWorld({ app: 'child', durable: true });

test(`create number ${LATE} against number ${EARLY}`, async (context) => {
  await createMany(EARLY - (WINDOW + 1) / 2);
  const reference = await timeWindow();
  await createMany(LATE - EARLY - WINDOW);
  const measured = await timeWindow();

  assertRatio(context, { measured, reference, unit: 'ms', limit: { kind: 'at most', value: 1.5 } });
});

async function createMany(count: number): Promise<void> {
  await mapParallel(Array.from({ length: count }), 4, () => createDatabase(world));
}

async function timeWindow(): Promise<number> {
  const times: number[] = [];
  while (times.length < WINDOW) {
    await untilQuiet(world);
    times.push(await timeCreate(world));
  }
  return median(times);
}
