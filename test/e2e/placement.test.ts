import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canLogin } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant, tenantBody } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '2' } });
const { api } = world;

async function createGroup(fields: object): Promise<string> {
  const name = `group-${randomUUID().slice(0, 8)}`;
  (await api.post('/api/host-groups', { name, ownerEmail: 'ops@example.com', ...fields })).expect(201);
  return name;
}

/** Its first tenant, once the stock beside it has `count` finished schemas. */
async function firstTenant(hostGroup: string, count: number): Promise<NewTenant> {
  const template = await createTemplate(world);
  const tenant = await createTenant(world, { hostGroup, templateId: template.id });
  await until('there is stock beside the tenant', async () => {
    const stock = await stockIn(tenant.database_id);
    return stock.length >= count && stock.every(({ state }) => state === 'ready');
  });
  return tenant;
}

function stockIn(databaseId: string): Promise<{ state: string }[]> {
  return world.control.query<{ state: string }>(
    `SELECT state FROM warm_schemas WHERE database_id = '${databaseId}'`,
  );
}

describe('a hosting database that is suspended', () => {
  test('gives no schema away, and its group makes another one', async () => {
    const hostGroup = await createGroup({ tenantsPerDatabase: 10 });
    const first = await firstTenant(hostGroup, 2);
    const templateId = first.template_id;
    (await api.post(`/api/databases/${first.database_id}/suspend`)).expect(200);

    const tenants: NewTenant[] = [];
    for (let at = 0; at < 4; at += 1) {
      tenants.push(await createTenant(world, { hostGroup, templateId }));
    }

    for (const tenant of tenants) {
      expect(tenant.database_id).not.toBe(first.database_id);
      expect(await canLogin(tenant.connection_string)).toBe(true);
      expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
    }
    await until('the stock stands where tenants can use it', async () => {
      const stock = await stockIn(tenants[0]?.database_id ?? '');
      return stock.filter(({ state }) => state === 'ready').length >= 2;
    });

    for (const fields of [{ templateId }, {}]) {
      const body = tenantBody({ databaseId: first.database_id, ...fields });
      const refused = (await api.post('/api/tenants', body)).expect(409);
      expect(refused.problem.code).toBe('CONFLICT');
      expect(refused.problem.detail).toContain('is suspended');
      expect(refused.badFields).toEqual(['databaseId']);
    }
    const clone = (await api.post(`/api/tenants/${first.id}/clone`, tenantBody())).expect(409);
    expect(clone.problem.detail).toContain('is suspended');
    const capacity = await api.get<{ room: number }>(`/api/databases/${first.database_id}/capacity`);
    expect(capacity.expect(200).data.room).toBe(0);

    (await api.post(`/api/databases/${first.database_id}/resume`)).expect(200);
    const pinned = await createTenant(world, { databaseId: first.database_id, templateId });
    expect(await canLogin(pinned.connection_string_pooled)).toBe(true);
  });

  test('is named where the group may have no other', async () => {
    const hostGroup = await createGroup({ tenantsPerDatabase: 10, maxDatabases: 1 });
    const first = await createTenant(world, { hostGroup });
    (await api.post(`/api/databases/${first.database_id}/suspend`)).expect(200);

    const refused = (await api.post('/api/tenants', tenantBody({ hostGroup }))).expect(409);

    expect(refused.problem).toMatchObject({
      code: 'NO_ROOM',
      detail: expect.stringContaining('1 suspended'),
    });
  });
});

describe('a hosting database that is full of stock', () => {
  test('sends a tenant without a template to a new one', async () => {
    const hostGroup = await createGroup({ tenantsPerDatabase: 3 });
    const first = await firstTenant(hostGroup, 2);

    const other = await createTenant(world, { hostGroup });

    expect(other.database_id).not.toBe(first.database_id);
    expect(await canLogin(other.connection_string_pooled)).toBe(true);
  });

  test('lets stock make way for tenants where the group may have no other', async () => {
    const hostGroup = await createGroup({ tenantsPerDatabase: 3, maxDatabases: 1 });
    const first = await firstTenant(hostGroup, 2);

    const others = [await createTenant(world, { hostGroup }), await createTenant(world, { hostGroup })];

    for (const { database_id } of others) expect(database_id).toBe(first.database_id);
    (await api.post('/api/tenants', tenantBody({ hostGroup }))).expect(409);
  });

  test('lets stock make way for a tenant that names it', async () => {
    const hostGroup = await createGroup({ tenantsPerDatabase: 3 });
    const first = await firstTenant(hostGroup, 2);

    const other = await createTenant(world, { databaseId: first.database_id });

    expect(other.database_id).toBe(first.database_id);
    await until('the stock is within the limit', async () => (await stockIn(first.database_id)).length === 1);
  });
});
