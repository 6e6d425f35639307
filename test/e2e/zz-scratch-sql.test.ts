import { test } from 'vitest';
import { createTenant } from '../support/tenancy.js';
import { query } from '../support/sql.js';
import { startWorld } from '../support/world.js';
const world = await startWorld();
const shop = await createTenant(world);
test('t', async () => {
  for (const sql of ["SELECT length(repeat(repeat('x', 500000), 1000))", "SELECT length(repeat('x', 500000000))"]) {
    const t = performance.now(); await query(shop.connection_string, sql); console.log('direct', sql, performance.now() - t);
  }
  for (const sql of ["SELECT length(repeat(repeat('x', 500000), 1000))", "SELECT repeat(repeat('x', 500000), 1000)"]) {
    const t = performance.now(); const r = await world.api.post(`/api/tenants/${shop.id}/sql`, {sql}, {outsideContract: true}); console.log('api', sql, performance.now() - t, JSON.stringify(r.body).slice(0, 300));
  }
});
