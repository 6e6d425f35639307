import { expect, test } from 'vitest';
import { canLogin, query } from '../support/sql.js';
import { addVersion, createTemplate, createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '2' } });
const template = await createTemplate(world);
await createTenant(world, { templateId: template.id });

interface Stocked {
  schema_name: string;
  template_version: number;
}

function inStock(): Promise<Stocked[]> {
  return world.control.query<Stocked & Record<string, unknown>>(
    "SELECT schema_name, template_version FROM warm_schemas WHERE state = 'ready' ORDER BY created_at",
  );
}

async function kindOfLast(): Promise<string | undefined> {
  const [row] = await world.control.query<{ kind: string }>(
    "SELECT kind FROM operations WHERE subject_type = 'tenant' ORDER BY created_at DESC LIMIT 1",
  );
  return row?.kind;
}

test('a finished schema is handed out with its name, and nobody could log in to it before', async () => {
  const [next] = await until('the stock is full', async () => {
    const stock = await inStock();
    return stock.length >= 2 && stock;
  });
  const [role] = await world.server.query<{ login: boolean }>(
    `SELECT rolcanlogin AS login FROM pg_roles WHERE rolname = '${next?.schema_name}'`,
  );
  expect(role?.login).toBe(false);
  const members = await world.server.query(
    `SELECT FROM pg_auth_members m WHERE m.roleid = '${next?.schema_name}'::regrole`,
  );
  expect(members).toEqual([]);

  const tenant = await createTenant(world, { templateId: template.id });

  expect(await kindOfLast()).toBe('tenant.claim');
  expect(tenant.schema_name).toBe(next?.schema_name);
  for (const door of [tenant.connection_string, tenant.connection_string_pooled]) {
    expect(await query(door, 'SELECT slug, status FROM tenants')).toEqual([
      { slug: tenant.slug, status: 'active' },
    ]);
    expect(await query(door, 'SELECT value FROM settings')).toEqual([{ value: 'EUR' }]);
  }
});

test('a new version retires what is in stock, and the next tenant has it', async () => {
  await until('the stock is full', async () => (await inStock()).length >= 2);

  await addVersion(world, template, 'ALTER TABLE products ADD COLUMN colour text');

  const tenant = await createTenant(world, { templateId: template.id });
  expect(tenant.template_version).toBe(2);
  expect(await query(tenant.connection_string, 'SELECT colour FROM products')).toEqual([]);
  await until('the stock has the new version only', async () => {
    const stock = await inStock();
    return stock.length >= 2 && stock.every(({ template_version }) => template_version === 2);
  });
  await until('the old ones are gone', async () => {
    const rows = await world.control.query("SELECT FROM warm_schemas WHERE state <> 'ready'");
    return rows.length === 0;
  });
});

test('tenants that ask for other limits are made for them', async () => {
  const tenant = await createTenant(world, { templateId: template.id, maxConnections: 3 });

  expect(await kindOfLast()).toBe('tenant.create');
  expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
});

test('more tenants at once than there are in stock all get a home', async () => {
  const tenants = await Promise.all(
    Array.from({ length: 8 }, () => createTenant(world, { templateId: template.id })),
  );

  expect(new Set(tenants.map(({ schema_name }) => schema_name)).size).toBe(8);
  for (const tenant of tenants) expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
});
