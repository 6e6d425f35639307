import { describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { createTemplate, createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api } = world;

interface Role {
  id: string;
  username: string;
  max_connections: number;
}

const home: Promise<NewDatabase> = createDatabase(world);
const EDITOR = ['roles:read', 'roles:write'];

function create(path: string, fields: object, key?: string) {
  return api.post<Role>(
    `${path}/roles`,
    { access: 'readonly', name: 'extra', ...fields },
    key ? { key } : {},
  );
}

async function keyFor(scopes: string[]): Promise<string> {
  return (await api.post<{ key: string }>('/api/api-keys', { name: 'test', scopes })).expect(201).data.key;
}

/** Networks 10.<block>.0.0/24, 10.<block>.1.0/24 and so on. */
function networks(block: number, count: number): string[] {
  return [...Array(count)].map((_, index) => `10.${block}.${index}.0/24`);
}

describe('a home has at most', () => {
  test('20 roles', async () => {
    const path = `/api/databases/${(await home).id}`;
    for (let n = 1; n <= 20; n++) (await create(path, { name: `r${n}`, maxConnections: 1 })).expect(201);

    const more = await create(path, { name: 'r21', maxConnections: 1 });

    expect([more.status, more.problem.code]).toEqual([409, 'CONFLICT']);
    expect(more.problem.detail).toContain('20 roles');
    const [first] = (await api.get<Role[]>(`${path}/roles`)).data;
    (await api.delete(`${path}/roles/${first?.id}`)).expect(200);
    (await create(path, { name: 'r21', maxConnections: 1 })).expect(201);
  });

  test('twice its own connections for all of them', async () => {
    const { id } = await createDatabase(world, { maxConnections: 4 });
    const path = `/api/databases/${id}`;
    const first = (await create(path, { name: 'first' })).expect(201).data;
    expect(first.max_connections).toBe(4);
    const second = (await create(path, { name: 'second', maxConnections: 3 })).expect(201).data;

    const more = await create(path, { name: 'third', maxConnections: 2 });
    const wider = await api.patch(`${path}/roles/${second.id}`, { maxConnections: 4 });

    expect([more.status, more.problem.errors?.[0]?.field]).toEqual([409, 'maxConnections']);
    expect(wider.status).toBe(200);
    (await api.patch(`${path}/roles/${second.id}`, { maxConnections: 1 })).expect(200);
    (await create(path, { name: 'third', maxConnections: 3 })).expect(201);
    expect((await api.patch(`${path}/roles/${second.id}`, { maxConnections: 2 })).status).toBe(409);
    (await api.patch(`${path}/roles/${second.id}`, { expiresAt: '2035-01-31T12:00:00Z' })).expect(200);
  });

  test('200 networks for all of them, and 50 for one', async () => {
    const { id } = await createDatabase(world);
    const path = `/api/databases/${id}`;
    for (let n = 1; n <= 4; n++) {
      const body = { name: `r${n}`, maxConnections: 1, allowedCidrs: networks(n, 50) };
      (await create(path, body)).expect(201);
    }

    const one = await create(path, { name: 'many', allowedCidrs: networks(9, 51) });
    const more = await create(path, { name: 'more', allowedCidrs: networks(9, 1) });

    expect([one.status, one.problem.errors?.[0]?.field]).toEqual([400, 'allowedCidrs']);
    expect([more.status, more.problem.errors?.[0]?.field]).toEqual([409, 'allowedCidrs']);
    const known = (await create(path, { name: 'more', allowedCidrs: networks(1, 50) })).expect(201).data;
    const wider = await api.patch(`${path}/roles/${known.id}`, { allowedCidrs: networks(9, 1) });
    expect(wider.status).toBe(409);
  });
});

describe('a whitelist that a role would pass by', () => {
  test.each(['database', 'tenant'])('of a %s needs whitelists:write', async (kind) => {
    const { id } = kind === 'database' ? await createDatabase(world) : await createTenant(world);
    const path = `/api/${kind}s/${id}`;
    const editor = await keyFor(EDITOR);
    const opener = await keyFor([...EDITOR, 'whitelists:write']);
    (await create(path, { name: 'early', allowedCidrs: ['198.51.100.0/24'] }, editor)).expect(201);
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const later = new Date(Date.now() + 7_200_000).toISOString();
    const rules = [{ ipAddress: '203.0.113.0/24' }, { ipAddress: '192.0.2.0/24', expiresAt: soon }];
    for (const rule of rules) (await api.post(`${path}/whitelist`, { ...rule, force: true })).expect(201);

    const strange = await create(path, { allowedCidrs: ['203.0.113.5', '0.0.0.0/0'] }, editor);
    expect([strange.status, strange.problem.code]).toEqual([403, 'INSUFFICIENT_SCOPE']);
    expect(strange.problem.detail).toContain('0.0.0.0/0');
    expect(strange.problem.detail).toContain('whitelists:write');
    expect((await create(path, { allowedCidrs: ['192.0.2.7'], expiresAt: later }, editor)).status).toBe(403);

    const inside = { allowedCidrs: ['203.0.113.5', '192.0.2.7'], expiresAt: soon, maxConnections: 1 };
    const role = (await create(path, inside, editor)).expect(201).data;
    const patch = (body: object, key: string) => api.patch(`${path}/roles/${role.id}`, body, { key });
    expect((await patch({ allowedCidrs: ['::/0'] }, editor)).status).toBe(403);
    expect((await patch({ expiresAt: null }, editor)).status).toBe(403);
    expect((await patch({ allowedCidrs: ['192.0.2.7'], maxConnections: 2 }, editor)).status).toBe(200);
    expect((await patch({ allowedCidrs: null }, editor)).status).toBe(200);
    expect((await patch({ allowedCidrs: ['::/0'] }, opener)).status).toBe(200);
    (await create(path, { name: 'all', maxConnections: 1, allowedCidrs: ['::/0'] }, opener)).expect(201);
  });

  test('may be that of the hosting database, and a closed home lets nobody in', async () => {
    const template = await createTemplate(world);
    const tenant = await createTenant(world, { templateId: template.id });
    const path = `/api/tenants/${tenant.id}`;
    const editor = await keyFor(EDITOR);
    const rule = { ipAddress: '203.0.113.0/24', force: true };
    (await api.post(`/api/databases/${tenant.database_id}/whitelist`, rule)).expect(201);

    expect((await create(path, { allowedCidrs: ['198.51.100.1'] }, editor)).status).toBe(403);
    (await create(path, { name: 'inside', allowedCidrs: ['203.0.113.1'] }, editor)).expect(201);

    (await api.patch(path, { externalAccess: false })).expect(200);
    expect((await create(path, { allowedCidrs: ['203.0.113.2'] }, editor)).status).toBe(403);
  });
});

test('a role’s password is rotated with credentials:rotate, not with roles:write', async () => {
  const { id } = await createDatabase(world);
  const path = `/api/databases/${id}`;
  const role = (await create(path, {})).expect(201).data;
  const rotate = async (scopes: string[]) => {
    const key = await keyFor(scopes);
    return (await api.post(`${path}/roles/${role.id}/rotate-credentials`, {}, { key })).status;
  };

  expect([await rotate(EDITOR), await rotate(['credentials:rotate'])]).toEqual([403, 200]);
});
