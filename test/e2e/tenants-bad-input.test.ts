import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { whileStopped } from '../support/faults.js';
import { untilIdle } from '../support/leftovers.js';
import { canLogin } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant, tenantBody } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;
const template = await createTemplate(world);

async function countTenants(): Promise<number> {
  const [row] = await world.control.query<{ count: number }>('SELECT count(*)::int AS count FROM tenants');
  return row?.count ?? -1;
}

describe('a create names the bad field and leaves nothing behind', () => {
  test.each<[string, object, string[]]>([
    ['no slug', { slug: undefined }, ['slug']],
    ['an upper-case slug', { slug: 'Shop' }, ['slug']],
    ['a slug with quotes', { slug: `sh'o"p` }, ['slug']],
    ['a slug with a space', { slug: 'my shop' }, ['slug']],
    ['a slug in another script', { slug: 'café' }, ['slug']],
    ['a slug of 64 bytes', { slug: 'x'.repeat(64) }, ['slug']],
    ['an empty slug', { slug: '' }, ['slug']],
    ['a slug with a trailing hyphen', { slug: 'shop-' }, ['slug']],
    ['a slug with SQL', { slug: 'a;drop schema shared' }, ['slug']],
    ['a slug of a wrong type', { slug: 7 }, ['slug']],
    ['a slug with a line break', { slug: 'shop\n' }, ['slug']],
    ['the reserved slug pg_catalog', { slug: 'pg_catalog' }, ['slug']],
    ['the reserved slug pg_x', { slug: 'pg_x' }, ['slug']],
    ['the reserved slug shared', { slug: 'shared' }, ['slug']],
    ['the reserved slug public', { slug: 'public' }, ['slug']],
    ['the slug of a schema in stock', { slug: 'tenant_0042' }, ['slug']],
    ['an unknown isolation', { isolation: 'instance' }, ['isolation']],
    ['an unknown template', { templateId: randomUUID() }, ['templateId']],
    ['a template that is no UUID', { templateId: 'pos' }, ['templateId']],
    ['a host that is no UUID', { databaseId: '1' }, ['databaseId']],
    ['metadata that is a list', { metadata: [] }, ['metadata']],
    ['metadata of 10 kB', { metadata: { x: 'y'.repeat(10_000) } }, ['metadata']],
    ['a host for a database of its own', { isolation: 'database', databaseId: randomUUID() }, ['databaseId']],
    ['a group for a database of its own', { isolation: 'database', hostGroup: 'x' }, ['hostGroup']],
    ['an owner for a schema', { ownerEmail: 'a@example.com' }, ['ownerEmail']],
    ['maxConnections beyond the server', { maxConnections: 9_999 }, ['maxConnections']],
    ['an unknown field', { flavour: 'vanilla' }, ['flavour']],
    ['several at once', { slug: 'X', isolation: 7, name: '' }, ['isolation', 'name', 'slug']],
  ])('%s', async (_, fields, bad) => {
    const before = await countTenants();

    const { problem, badFields } = (await api.post('/api/tenants', tenantBody(fields))).expect(400);

    expect(problem).toMatchObject({ code: 'VALIDATION_FAILED', retryable: false });
    expect([...new Set(badFields)].sort()).toEqual(bad);
    expect(await countTenants()).toBe(before);
  });
});

test('a slug that is taken is refused, also for a clone and a rename, and by one of two at once', async () => {
  const tenant = await createTenant(world, { slug: 'taken' });
  const other = await createTenant(world, { templateId: template.id });

  const answers = [
    await api.post('/api/tenants', { slug: 'taken' }),
    await api.post('/api/tenants', { slug: 'taken', isolation: 'database' }),
    await api.post(`/api/tenants/${other.id}/clone`, { slug: 'taken' }),
    await api.patch(`/api/tenants/${other.id}`, { slug: 'taken' }),
  ];
  for (const answer of answers) {
    const { problem } = answer.expect(409);
    expect(problem.code).toBe('CONFLICT');
    expect(problem.detail).toContain('taken');
  }
  const both = await Promise.all([1, 2].map(() => api.post('/api/tenants', { slug: 'at-once' })));
  expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
  expect(await canLogin(other.connection_string_pooled)).toBe(true);
});

test('a host that is not one, is gone or does not exist is refused by name', async () => {
  const plain = await createDatabase(world);

  for (const databaseId of [plain.id, randomUUID()]) {
    const { problem } = (await api.post('/api/tenants', tenantBody({ databaseId }))).expect(409);
    expect(problem.detail).toContain('no tenant host');
  }
  (await api.post('/api/tenants', tenantBody({ hostGroup: 'nowhere' }))).expect(404);
  (await api.post(`/api/databases/${randomUUID()}/host`, {})).expect(404);
});

test('a retired template takes no new tenants, and those it has stay', async () => {
  const retired = await createTemplate(world);
  const tenant = await createTenant(world, { templateId: retired.id });
  (await api.post(`/api/templates/${retired.id}/retire`)).expect(200);

  const { problem } = (await api.post('/api/tenants', tenantBody({ templateId: retired.id }))).expect(409);

  expect(problem.detail).toContain('retired');
  expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
});

test('a clone with rows of a tenant without a template is refused', async () => {
  const tenant = await createTenant(world);

  (await api.post(`/api/tenants/${tenant.id}/clone`, { slug: 'no-template', withData: true })).expect(409);
  (await api.post(`/api/tenants/${randomUUID()}/clone`, { slug: 'nobody' })).expect(404);
  (await api.post(`/api/tenants/not-a-uuid/clone`, { slug: 'nobody' }, { outsideContract: true })).expect(
    400,
  );
});

test('with PostgreSQL down, a create fails whole and its slug is free again', async () => {
  await createTenant(world, { templateId: template.id });
  const body = tenantBody({ slug: 'in-the-storm', templateId: template.id });

  await whileStopped(world, 'postgres', async () => {
    expect((await api.post('/api/tenants', body)).status).toBe(503);
  });

  const tenant = await until('its slug is free and creates work again', async () => {
    const answer = await api.post<NewTenant>('/api/tenants', body);
    return answer.status === 201 && answer.data;
  });
  await until('a first login through the pooler', () => canLogin(tenant.connection_string_pooled));
  await untilIdle(world);
});

test('the same Idempotency-Key makes one tenant', async () => {
  const body = tenantBody({ slug: 'once', templateId: template.id });
  const options = { idempotencyKey: 'tenant-once' };

  const first = await api.post<{ id: string }>('/api/tenants', body, options);
  const second = await api.post<{ id: string }>('/api/tenants', body, options);

  expect(second.expect(201).data.id).toBe(first.expect(201).data.id);
});
