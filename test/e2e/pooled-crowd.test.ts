import { expect, test } from 'vitest';
import { inParallel } from '../../src/kernel/in-parallel.js';
import { loginError } from '../support/sql.js';
import { createTemplate, createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const TENANTS = 40;
/** As the local stack's pgbouncer.ini says. */
const LOOKUPS = 30;

const world = await startWorld({ env: { WARM_POOL_SIZE: '0', TENANT_WARM_POOL_SIZE: '0' } });

test('many tenants that come at once hold a connection each, and few more for their lookups', async () => {
  const { id: templateId } = await createTemplate(world);
  const tenants = await Promise.all(
    Array.from({ length: TENANTS }, () => createTenant(world, { templateId })),
  );

  const refused: unknown[] = [];
  await inParallel(tenants, 8, async ({ connection_string_pooled: pooled }) => {
    const error = await loginError(pooled);
    if (error) refused.push(error);
  });

  expect(refused).toEqual([]);
  const held = await world.server.query<{ lookups: number }>(
    "SELECT count(*)::int AS lookups FROM pg_stat_activity WHERE usename = 'rowhouse_pooler_auth'",
  );
  expect(held[0]?.lookups).toBeLessThanOrEqual(LOOKUPS);
  expect(held[0]?.lookups).toBeGreaterThan(0);
}, 120_000);
