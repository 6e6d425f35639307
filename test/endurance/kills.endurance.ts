import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTemplate } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';
import { findViolations } from './invariants.js';
import { KILLS } from './kills.js';
import { KnownHomes } from './known-homes.js';
import { MixedLoad, renderCounts } from './mixed-load.js';
import { untilSettled } from './settling.js';

const TOTAL = Number(process.env.ENDURANCE_KILLS ?? 300);
const PER_ROUND = Number(process.env.ENDURANCE_KILLS_PER_ROUND ?? 5);
const WORKERS = 4;
const LONGEST_MS = 1_500;

/** Durable: what was answered must survive. */
const world = await startWorld({
  app: 'child',
  durable: true,
  env: { OPERATION_LEASE_SECONDS: '2', WARM_POOL_SIZE: '1', TENANT_WARM_POOL_SIZE: '1' },
});
const template = await createTemplate(world);

test(`${TOTAL} kills under load leave nothing half made`, async () => {
  const homes = new KnownHomes();
  const loads: MixedLoad[] = [];
  const kills = new Map(Object.keys(KILLS).map((name) => [name, 0]));
  const violations: string[] = [];
  for (let done = 0, round = 1; done < TOTAL; round += 1) {
    const load = new MixedLoad({ world, homes, template }, WORKERS);
    loads.push(load);
    for (let kill = 0; kill < PER_ROUND && done < TOTAL; kill += 1, done += 1) {
      await pause(Math.random() * LONGEST_MS);
      const name = Object.keys(KILLS)[Math.floor(Math.random() * kills.size)] as string;
      await KILLS[name]?.(world);
      kills.set(name, (kills.get(name) ?? 0) + 1);
    }
    await load.stop();
    const found = await judge(homes).catch((error: Error) => [error.message]);
    const fresh = [...load.wrong, ...found].map((what) => `round ${round}: ${what}`);
    violations.push(...fresh);
    console.log(
      `round ${round}: ${done} kills, ${load.total} requests, ${homes.count('databases')} databases, ${homes.count('tenants')} tenants, ${fresh.length} violations`,
    );
    for (const violation of fresh) console.log(violation);
  }
  console.log([...kills].map(([name, count]) => `${name} ${count}`).join(', '));
  console.log(renderCounts(loads));
  console.log(await endedOperations());

  expect(violations).toEqual([]);
});

async function judge(homes: KnownHomes): Promise<string[]> {
  await untilSettled(world);
  return findViolations(world, homes);
}

async function endedOperations(): Promise<string> {
  const rows = await world.control.query<{ line: string }>(`
    SELECT kind || ' ' || state || coalesce(' ' || (error ->> 'code'), '') || ': ' || count(*) AS line
    FROM operations GROUP BY kind, state, error ->> 'code' ORDER BY 1`);
  return rows.map(({ line }) => line).join('\n');
}
