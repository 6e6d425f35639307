import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { stockTarget } from '../../src/provisioning/stock-target.js';
import { untilIdle } from '../support/leftovers.js';
import { loginError } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant, posFiles, tenantBody } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { openWorld, type World } from '../support/world.js';
import { BareTenant } from './bare-tenant.js';
import { median, stopwatch } from './ratio.js';

const WARM_UP_ROUNDS = 3;
const ROUNDS = 121;
/** Each of PostgreSQL's sessions takes notice of what the tables before have changed in the catalog. */
const REST_MS = 100;

/** One create of a 51-table tenant over the API, in milliseconds, with both ports tried afterwards. */
export async function timeTenant({ api }: World, templateId: string): Promise<number> {
  const body = tenantBody({ templateId });
  let text = '';
  const elapsed = await stopwatch(async () => {
    const answer = await api.fetch('POST', '/api/tenants', body);
    text = await answer.text();
  });
  const { data } = JSON.parse(text) as { data?: NewTenant };
  if (!data?.connection_string) throw new Error(`the create failed: ${text}`);
  expect(await loginError(data.connection_string)).toBeNull();
  expect(await loginError(data.connection_string_pooled)).toBeNull();
  return elapsed;
}

/** Waits until nothing works in the background and the stock, whose target follows demand, is full. */
export async function untilStocked(world: World): Promise<void> {
  await untilIdle(world);
  await until(
    'the stock of schemas is full',
    async () => {
      const [stock] = await world.control.query<{ ready: number; other: number; demand: number }>(`
        SELECT count(*) FILTER (WHERE state = 'ready')::int AS ready,
               count(*) FILTER (WHERE state <> 'ready')::int AS other,
               (SELECT count(*)::int FROM tenants WHERE created_at > now() - interval '1 minute') AS demand
        FROM warm_schemas`);
      const target = stock && stockTarget(world.config.tenants.warmPoolSize, stock.demand);
      return stock !== undefined && target !== undefined && stock.ready >= target && stock.other === 0;
    },
    { timeoutMs: 120_000 },
  );
}

/** Both of the compared begin after the same rest. */
async function untilQuiet(world: World): Promise<void> {
  await untilStocked(world);
  await pause(REST_MS);
}

/** Median milliseconds of a tenant over the API and of its bare DDL, taken in turns on an otherwise idle server. */
export async function compareTenants({ warmPoolSize }: { warmPoolSize: number }) {
  const env = { TENANT_WARM_POOL_SIZE: String(warmPoolSize), WARM_POOL_SIZE: '0' };
  const world = await openWorld({ app: 'child', durable: true, env });
  onTestFinished(() => world.stop());
  const template = await createTemplate(world, posFiles(), 'pos');
  const first = await createTenant(world, { templateId: template.id });
  const bare = await BareTenant.connect(world, first.database_name);
  onTestFinished(() => bare.end());
  const measured: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    await untilQuiet(world);
    const api = await timeTenant(world, template.id);
    await untilQuiet(world);
    const script = await bare.time();
    if (round < WARM_UP_ROUNDS) continue;
    measured.push(api);
    reference.push(script);
  }
  return { measured: median(measured), reference: median(reference) };
}
