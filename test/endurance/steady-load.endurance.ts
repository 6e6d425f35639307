import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/bootstrap.js';
import { IdempotencyPurge } from '../../src/http/idempotency.purge.js';
import { OperationPurge } from '../../src/operations/operation-purge.js';
import { createTemplate } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';
import { findViolations } from './invariants.js';
import { KnownHomes } from './known-homes.js';
import { countRows, renderSamples, takeSample } from './measure.js';
import { MixedLoad, renderCounts } from './mixed-load.js';
import { untilSettled } from './settling.js';

const MINUTES = Number(process.env.ENDURANCE_MINUTES ?? 10);
const WORKERS = 4;
const HALF_MS = (MINUTES * 60_000) / 2;
/** Until pools, caches and stock are filled. */
const WARM_UP_MS = Math.min(60_000, HALF_MS / 2);

const world = await startWorld({ app: 'child' });
const template = await createTemplate(world);

test(`${MINUTES} minutes of steady load`, async () => {
  const homes = new KnownHomes();
  const load = new MixedLoad({ world, homes, template }, WORKERS);
  await pause(WARM_UP_MS);
  const start = await takeSample(world);
  await pause(HALF_MS - WARM_UP_MS);
  const middle = await takeSample(world);
  await pause(HALF_MS);
  const end = await takeSample(world);
  await load.stop();
  await untilSettled(world);
  const settled = await takeSample(world);
  console.log(renderCounts([load]));
  console.log(renderSamples({ start, middle, end, settled }));

  expect([...load.wrong, ...(await findViolations(world, homes))]).toEqual([]);
});

test('rows whose time is over are purged', async () => {
  const { control, config } = world;
  const before = await countRows(control);
  await control.query("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'");
  await control.query(
    "UPDATE operations SET created_at = created_at - interval '31 days', finished_at = finished_at - interval '31 days'",
  );
  const app = await createApp({ ...config, role: 'worker' });
  onTestFinished(() => app.close());

  await app.get(IdempotencyPurge).purge();
  await app.get(OperationPurge).purge();

  const after = await countRows(control);
  console.log(renderSamples({ 'all aged': before, purged: after }));
  const left = await control.query(
    "SELECT FROM operations WHERE created_at < now() - interval '30 days' AND state NOT IN ('pending', 'running')",
  );
  expect(left).toEqual([]);
  expect(await control.query('SELECT FROM idempotency_keys WHERE expires_at < now()')).toEqual([]);
});
