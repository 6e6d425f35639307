import { test } from 'vitest';
import { openFleet } from './fleet-migrations.js';
import { assertRatio, median } from './ratio.js';

const ROUNDS = 5;

test('a migration with nothing to do over 1,000 tenants', async (context) => {
  const { migrate, migrateNothing } = await openFleet();
  await migrate();
  const reference = await migrate();
  await migrateNothing();

  const measured: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) measured.push(await migrateNothing());

  assertRatio(context, {
    measured: median(measured),
    reference,
    unit: 'ms',
    limit: { kind: 'at most', value: 0.02 },
  });
});
