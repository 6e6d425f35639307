import { test } from 'vitest';
import { openFleet } from './fleet-migrations.js';
import { assertRatio, median } from './ratio.js';

const ROUNDS = 9;

test('one migration over 1,000 tenants', async (context) => {
  const { fleet, migrate, loop } = await openFleet();
  await migrate();
  await loop();

  const measured: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    reference.push(await loop());
    measured.push(await migrate());
  }

  await fleet.expectAllAt(fleet.version);
  assertRatio(context, {
    measured: median(measured),
    reference: median(reference),
    unit: 'ms',
    limit: { kind: 'at most', value: 1.2 },
  });
});
