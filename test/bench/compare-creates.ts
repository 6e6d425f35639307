import { onTestFinished } from 'vitest';
import { openWorld } from '../support/world.js';
import { BareCreate } from './bare-create.js';
import { timeCreate, untilQuiet } from './creates.js';
import { median } from './ratio.js';

const WARM_UP_ROUNDS = 5;
const ROUNDS = 61;

/**
 * Median milliseconds of a create over the API and of a bare one, taken in turns so that both see the same machine, and
 * only while nothing else works on the server.
 */
export async function compareCreates({ warmPoolSize }: { warmPoolSize: number }) {
  const world = await openWorld({
    app: 'child',
    durable: true,
    env: { WARM_POOL_SIZE: String(warmPoolSize) },
  });
  onTestFinished(() => world.stop());
  const bare = await BareCreate.connect(world);
  onTestFinished(() => bare.end());
  const measured: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    await untilQuiet(world);
    const api = await timeCreate(world);
    await untilQuiet(world);
    const script = await bare.time();
    if (round < WARM_UP_ROUNDS) continue;
    measured.push(api);
    reference.push(script);
  }
  return { measured: median(measured), reference: median(reference) };
}
