import { expect } from 'vitest';
import { stockTarget } from '../../src/provisioning/stock-target.js';
import { databaseBody, type NewDatabase } from '../support/databases.js';
import { untilIdle } from '../support/leftovers.js';
import { loginError } from '../support/sql.js';
import { until } from '../support/until.js';
import type { World } from '../support/world.js';
import { stopwatch } from './ratio.js';

/** One create over the API, in milliseconds, with both ports tried afterwards. */
export async function timeCreate({ api }: World): Promise<number> {
  const body = databaseBody();
  let text = '';
  const elapsed = await stopwatch(async () => {
    const answer = await api.fetch('POST', '/api/databases', body);
    text = await answer.text();
  });
  const { data } = JSON.parse(text) as { data?: NewDatabase };
  if (!data?.connection_string) throw new Error(`the create failed: ${text}`);
  expect(await loginError(data.connection_string)).toBeNull();
  expect(await loginError(data.connection_string_pooled)).toBeNull();
  return elapsed;
}

/** Waits until nothing works in the background and the warm stock, whose target follows demand, is full. */
export async function untilQuiet(world: World): Promise<void> {
  await untilIdle(world);
  await until('the warm stock is full', async () => {
    const [stock] = await world.control.query<{ ready: number; building: number; demand: number }>(`
      SELECT count(*) FILTER (WHERE state = 'ready')::int AS ready,
             count(*) FILTER (WHERE state = 'building')::int AS building,
             (SELECT count(*)::int FROM databases WHERE created_at > now() - interval '1 minute') AS demand
      FROM warm_databases`);
    if (!stock) return false;
    const target = stockTarget(world.config.databases.warmPoolSize, stock.demand);
    return stock.ready >= target && stock.building === 0;
  });
}
