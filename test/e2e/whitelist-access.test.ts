import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { type Approach, connectFrom, getsIn, whenEnded } from '../support/login-from.js';
import { createHost, createTenant, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import {
  addRule,
  listRules,
  networksIn,
  type PortCheck,
  type Rule,
  setRules,
  whitelistOf,
} from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { WARM_POOL_SIZE: '1', TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;

const LOCAL: Approach = { from: '127.0.0.1', tls: true };
const OTHER: Approach = { from: '127.0.0.2', tls: true };

type Home = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;

/** A session through each port. */
function openBoth(home: Home, approach: Approach): Promise<[Client, Client]> {
  const { connection_string, connection_string_pooled } = home;
  return Promise.all([
    connectFrom(connection_string, approach),
    connectFrom(connection_string_pooled, approach),
  ]);
}

function bothIn(home: Home, approach: Approach): Promise<boolean[]> {
  return Promise.all([
    getsIn(home.connection_string, approach),
    getsIn(home.connection_string_pooled, approach),
  ]);
}

async function isAlive(client: Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  );
}

async function endAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
}

describe('live sessions', () => {
  test('end on both ports when their rule goes, and only those', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    await setRules(world, list, ['127.0.0.1', '127.0.0.2']);
    const [staying, leaving] = [await openBoth(database, LOCAL), await openBoth(database, OTHER)];
    const ended = leaving.map(whenEnded);

    (await api.patch(list, { remove: ['127.0.0.2'] })).expect(200);

    await Promise.all(ended);
    expect(await Promise.all(staying.map(isAlive))).toEqual([true, true]);
    await endAll(staying);
  });

  test('end when their rule expires, and not before', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    const expiresAt = new Date(Date.now() + 1_500);
    await setRules(world, list, [
      '127.0.0.1',
      { ipAddress: '127.0.0.2', expiresAt: expiresAt.toISOString() },
    ]);
    const [staying, leaving] = [await openBoth(database, LOCAL), await openBoth(database, OTHER)];

    await Promise.all(leaving.map(whenEnded));

    expect(Date.now() - expiresAt.getTime()).toBeGreaterThan(-50);
    expect(await Promise.all(staying.map(isAlive))).toEqual([true, true]);
    expect(await bothIn(database, OTHER)).toEqual([false, false]);
    const rule = await until('the rule is expired', async () => {
      return (await listRules(world, list)).find(({ status }) => status === 'expired');
    });
    expect(rule.ip_address).toBe('127.0.0.2/32');
    const trail = await world.control.query(
      `SELECT actor_type, action FROM audit_logs WHERE resource_id = $1 AND action = 'whitelist.expire'`,
      [database.id],
    );
    expect(trail).toEqual([{ actor_type: 'system', action: 'whitelist.expire' }]);
    await endAll(staying);
  });

  test('end when the database is suspended, or the tenant', async () => {
    const { database: host } = await createHost(world);
    const tenant = await createTenant(world, { databaseId: host.id });
    for (const [kind, home] of [
      ['tenants', tenant],
      ['databases', host],
    ] as const) {
      const ended = (await openBoth(home, LOCAL)).map(whenEnded);
      (await api.post(`/api/${kind}/${home.id}/suspend`)).expect(200);

      await Promise.all(ended);
    }
  });
});

describe('a rule that has expired', () => {
  test('leaves its home guarded, and may be made anew', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    const expiresAt = new Date(Date.now() + 500).toISOString();
    const rule = await addRule(world, list, '127.0.0.1', { expiresAt });
    await until('it expired', async () => (await listRules(world, list))[0]?.status === 'expired');

    expect(await bothIn(database, LOCAL)).toEqual([false, false]);
    const again = await api.post(list, { ipAddress: '127.0.0.1' });
    expect(again.expect(409).problem.detail).toContain(rule.id);
    const replaced = await setRules(world, list, [
      { ipAddress: '127.0.0.1', expiresAt: '2100-01-01T00:00:00Z' },
    ]);

    expect(replaced.data.rules).toMatchObject([{ id: rule.id, status: 'applied' }]);
    expect(await bothIn(database, LOCAL)).toEqual([true, true]);
  });
});

describe('without rules', () => {
  test('a database that was made closed was never open', async () => {
    const database = await createDatabase(world, { externalAccess: false });

    expect(database).toMatchObject({ external_access: false, access: 'closed' });
    expect(await bothIn(database, LOCAL)).toEqual([false, false]);
  });

  test.each([
    ['databases', createDatabase],
    ['tenants', createTenant],
  ] as const)('of %s, access is switched, and sessions end', async (kind, create) => {
    const home: NewDatabase | NewTenant = await create(world);
    const path = `/api/${kind}/${home.id}`;
    const sessions = await openBoth(home, LOCAL);
    const ended = sessions.map(whenEnded);

    const closed = (await api.patch<Access>(path, { externalAccess: false })).expect(200).data;

    expect(closed).toMatchObject({ external_access: false, access: 'closed' });
    await Promise.all(ended);
    expect(await bothIn(home, LOCAL)).toEqual([false, false]);
    const open = (await api.patch<Access>(path, { externalAccess: null })).expect(200).data;
    expect(open).toMatchObject({ external_access: null, access: 'open' });
    expect(await bothIn(home, LOCAL)).toEqual([true, true]);
    expect((await api.patch(path, { externalAccess: 'no' })).expect(400).badFields).toEqual([
      'externalAccess',
    ]);
  });

  interface Access {
    external_access: boolean | null;
    access: string;
  }
});

describe('a tenant', () => {
  test('is reached as its host is until it has rules of its own', async () => {
    const { database: host } = await createHost(world);
    await setRules(world, whitelistOf(host), ['127.0.0.2']);
    const tenant = await createTenant(world, { databaseId: host.id });
    const list = whitelistOf(tenant, 'tenants');

    expect(tenant).toMatchObject({ access: 'restricted', external_access: null });
    expect([await bothIn(tenant, LOCAL), await bothIn(tenant, OTHER)]).toEqual([
      [false, false],
      [true, true],
    ]);
    const own = await addRule(world, list, '127.0.0.1');
    expect(own).toMatchObject({ tenant_id: tenant.id, database_id: null, warning: null });
    expect([await bothIn(tenant, LOCAL), await bothIn(tenant, OTHER)]).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(await bothIn(host, LOCAL)).toEqual([false, false]);
    (await api.delete(`${list}/${own.id}?force=true`)).expect(200);
    expect([await bothIn(tenant, LOCAL), await bothIn(tenant, OTHER)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test('with a database of its own has the list of that database', async () => {
    const tenant = await createTenant(world, { isolation: 'database', externalAccess: false });
    const list = whitelistOf(tenant, 'tenants');
    expect(tenant).toMatchObject({ access: 'closed', external_access: false });

    const rule = await addRule(world, list, '127.0.0.2');

    expect(rule).toMatchObject({ database_id: tenant.database_id, tenant_id: null });
    expect(await networksIn(world, whitelistOf({ id: tenant.database_id }))).toEqual(['127.0.0.2/32']);
    expect([await bothIn(tenant, LOCAL), await bothIn(tenant, OTHER)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test.each(['schema', 'database'] as const)(
    'that is cloned has the list of its source (%s)',
    async (isolation) => {
      const source = await createTenant(world, { isolation });
      await setRules(world, whitelistOf(source, 'tenants'), ['127.0.0.2']);

      const slug = `clone-${isolation}`;
      const answer = await api.post<NewTenant>(`/api/tenants/${source.id}/clone`, { slug });
      const clone = answer.expect(201).data;

      expect(clone).toMatchObject({ access: 'restricted' });
      expect(await networksIn(world, whitelistOf(clone, 'tenants'))).toEqual(['127.0.0.2/32']);
      expect([await bothIn(clone, LOCAL), await bothIn(clone, OTHER)]).toEqual([
        [false, false],
        [true, true],
      ]);
    },
  );

  test('may be kept by a key that is bound to it, and nobody else’s', async () => {
    const [own, other] = [await createTenant(world), await createTenant(world)];
    const scopes = ['whitelists:read', 'whitelists:write'];
    const made = await api.post<{ key: string }>('/api/api-keys', {
      name: 'tenant',
      scopes,
      tenantIds: [own.id],
    });
    const mine = api.withKey(made.expect(201).data.key);
    const list = whitelistOf(own, 'tenants');

    const rule = (await mine.post<Rule>(list, { ipAddress: '127.0.0.1' })).expect(201).data;
    expect(rule.created_by).toBe('tenant');
    (await mine.patch(list, { add: ['127.0.0.2'] })).expect(200);
    (await mine.get(`${list}/${rule.id}`)).expect(200);
    (await mine.post(`${list}/check`, { ipAddress: '127.0.0.1' }, { changesNothing: true })).expect(200);

    expect((await mine.get(whitelistOf(other, 'tenants'))).status).toBe(404);
    expect((await mine.post(whitelistOf(other, 'tenants'), { ipAddress: '127.0.0.1' })).status).toBe(404);
    expect((await mine.get(whitelistOf({ id: own.database_id }))).status).toBe(404);
  });
});

describe('a check', () => {
  const check = async (list: string, body: object) =>
    (
      await api.post<{ ip_address: string; ports: PortCheck[] }>(`${list}/check`, body, {
        changesNothing: true,
      })
    ).expect(200).data;

  test('answers what a login finds out, by which rule, for both ports or one', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    const open = await check(list, { ipAddress: '127.0.0.2' });
    const rule = await addRule(world, list, '127.0.0.0/31', { description: 'loopback' });
    const [admitted, refused] = await Promise.all([
      check(list, { ipAddress: '127.0.0.1/32' }),
      check(list, { ipAddress: '2001:DB8::0:1', port: world.config.server.pooler?.port }),
    ]);

    expect(open.ports.map(({ allowed, reason, tls_required }) => [allowed, reason, tls_required])).toEqual([
      [true, 'open', true],
      [true, 'open', true],
    ]);
    const found = { id: rule.id, ip_address: '127.0.0.0/31', description: 'loopback' };
    const common = { allowed: true, rule: found, reason: 'rule', tls_required: false, in_force: true };
    const { port, pooler } = world.config.server;
    expect(admitted).toEqual({
      ip_address: '127.0.0.1',
      username: database.username,
      ports: [
        { kind: 'direct', port, ...common },
        { kind: 'pooled', port: pooler?.port, ...common },
      ],
    });
    expect(refused).toMatchObject({
      ip_address: '2001:db8::1',
      ports: [{ kind: 'pooled', allowed: false, rule: null, reason: 'no_rule', tls_required: true }],
    });
  });

  test('says when nobody gets in, and why', async () => {
    const closed = await createDatabase(world, { externalAccess: false });
    expect((await check(whitelistOf(closed), { ipAddress: '127.0.0.1' })).ports).toMatchObject([
      { allowed: false, reason: 'closed' },
      { allowed: false, reason: 'closed' },
    ]);

    (await api.post(`/api/databases/${closed.id}/suspend`)).expect(200);

    expect((await check(whitelistOf(closed), { ipAddress: '127.0.0.1' })).ports).toMatchObject([
      { allowed: false, reason: 'suspended' },
      { allowed: false, reason: 'suspended' },
    ]);
  });

  test('of a tenant goes by the rule of its host', async () => {
    const { database: host } = await createHost(world);
    const tenant = await createTenant(world, { databaseId: host.id });
    const rule = await addRule(world, whitelistOf(host), '127.0.0.1');

    const { ports } = await check(whitelistOf(tenant, 'tenants'), { ipAddress: '127.0.0.1' });

    expect(ports.map((port) => port.rule?.id)).toEqual([rule.id, rule.id]);
  });

  test('of a role goes by the networks that it was made with', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    const rule = await addRule(world, list, '127.0.0.1');
    const role = async (fields: object) => {
      const path = `/api/databases/${database.id}/roles`;
      const body = { name: 'x', access: 'readonly', ...fields };
      return (await api.post<{ username: string }>(path, body)).expect(201).data;
    };
    const narrow = await role({ name: 'narrow', allowedCidrs: ['127.0.0.2'] });
    const plain = await role({ name: 'plain' });
    const verdict = async (username: string, ipAddress: string) => {
      const { ports } = await check(list, { ipAddress, username });
      return ports.map((port) => [port.allowed, port.reason, port.rule?.id, port.rule?.ip_address]);
    };

    const own = [true, 'rule', null, '127.0.0.2/32'];
    const refused = [false, 'no_rule', undefined, undefined];
    expect(await verdict(narrow.username, '127.0.0.2')).toEqual([own, own]);
    expect(await verdict(narrow.username, '127.0.0.1')).toEqual([refused, refused]);
    const listed = [true, 'rule', rule.id, '127.0.0.1/32'];
    expect(await verdict(plain.username, '127.0.0.1')).toEqual([listed, listed]);
    expect(await verdict(plain.username, '127.0.0.2')).toEqual([refused, refused]);
  });

  test('knows which logins of a rotation work', async () => {
    const database = await createDatabase(world);
    const list = whitelistOf(database);
    const second = `${database.username}_2`;
    const allowed = async (username?: string) => {
      const { ports } = await check(list, { ipAddress: '127.0.0.1', ...(username && { username }) });
      return ports.map((port) => port.allowed);
    };
    const rotate = `/api/databases/${database.id}/rotate-credentials`;
    expect(await allowed(second)).toEqual([false, false]);

    (await api.post(rotate, { graceSeconds: 600 })).expect(200);
    expect(await allowed(second)).toEqual([true, true]);
    expect(await allowed(database.username)).toEqual([true, true]);

    (await api.delete(`/api/databases/${database.id}/credentials/previous`)).expect(200);
    expect(await allowed(database.username)).toEqual([false, false]);
    expect(await allowed()).toEqual([true, true]);
  });

  test.each<[string, object, string]>([
    ['the login of nobody', { ipAddress: '10.0.0.1', username: 'postgres' }, 'username'],
    ['a login that is no text', { ipAddress: '10.0.0.1', username: 5 }, 'username'],
    ['a network', { ipAddress: '10.0.0.0/8' }, 'ipAddress'],
    ['no address', {}, 'ipAddress'],
    ['a name', { ipAddress: 'localhost' }, 'ipAddress'],
    ['a port of neither server', { ipAddress: '10.0.0.1', port: 1 }, 'port'],
    ['a port that is no number', { ipAddress: '10.0.0.1', port: '5432' }, 'port'],
  ])('refuses %s by name', async (_, body, field) => {
    const database = await createDatabase(world);

    const answer = await api.post(`${whitelistOf(database)}/check`, body);

    expect(answer.expect(400).badFields).toEqual([field]);
    if (field === 'port' && 'port' in body && body.port === 1) {
      expect(answer.problem.detail).toContain(String(world.config.server.port));
      expect(answer.problem.detail).toContain(String(world.config.server.pooler?.port));
    }
  });

  test('of an unknown tenant is 404', async () => {
    const list = whitelistOf({ id: randomUUID() }, 'tenants');

    expect((await api.post(`${list}/check`, { ipAddress: '10.0.0.1' })).status).toBe(404);
  });
});
