import { test } from 'vitest';
import { mapParallel } from '../support/parallel.js';
import { createTemplate, createTenant, posFiles } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';
import { assertRatio, median } from './ratio.js';
import { timeTenant, untilStocked } from './tenant-creates.js';

const EARLY = 10;
const LATE = Number(process.env.BENCH_TENANTS ?? 2_000);
/** One create is noise: each side is the median of this many around its number. */
const WINDOW = 11;

const world = await startWorld({ app: 'child', durable: true });
const template = await createTemplate(world, posFiles(), 'pos');

test(`create tenant number ${LATE} against number ${EARLY}`, async (context) => {
  await createMany(EARLY - (WINDOW + 1) / 2);
  const reference = await timeWindow();
  await createMany(LATE - EARLY - WINDOW);
  const measured = await timeWindow();

  assertRatio(context, { measured, reference, unit: 'ms', limit: { kind: 'at most', value: 1.5 } });
});

async function createMany(count: number): Promise<void> {
  await mapParallel(Array.from({ length: count }), 2, () => createTenant(world, { templateId: template.id }));
}

async function timeWindow(): Promise<number> {
  const times: number[] = [];
  while (times.length < WINDOW) {
    await untilStocked(world);
    times.push(await timeTenant(world, template.id));
  }
  return median(times);
}
