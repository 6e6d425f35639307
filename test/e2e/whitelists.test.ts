import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { addToWhitelist, listWhitelist, removeFromWhitelist } from '../../src/cli/whitelist.js';
import { createDatabase, deleteDatabase, type NewDatabase } from '../support/databases.js';
import { requestFrom } from '../support/from-address.js';
import { getsIn } from '../support/login-from.js';
import { createTenant } from '../support/tenancy.js';
import {
  addRule,
  listRules,
  networksIn,
  setRules,
  type Whitelist,
  whitelistOf,
} from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { WARM_POOL_SIZE: '1', TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;

const LOCAL = { from: '127.0.0.1', tls: true };
const OTHER = { from: '127.0.0.2', tls: true };
const FUTURE = '2100-01-31T12:00:00+01:00';

let database: NewDatabase;
let list: string;

beforeAll(async () => {
  database = await createDatabase(world);
  list = whitelistOf(database);
});

beforeEach(() => setRules(world, list, []));

async function etag(): Promise<string> {
  return (await api.get(list)).expect(200).headers.get('etag') ?? '';
}

/** Whether each of the two addresses gets in, on the direct and on the pooled port. */
async function entries({ connection_string, connection_string_pooled }: NewDatabase): Promise<string> {
  const outcomes = await Promise.all(
    [connection_string, connection_string_pooled].map(async (port) => {
      const admitted = await Promise.all([getsIn(port, LOCAL), getsIn(port, OTHER)]);
      return admitted.map((isIn) => (isIn ? 'in' : 'out')).join(' ');
    }),
  );
  return outcomes.join(', ');
}

describe('an added rule', () => {
  test('is in force on both ports when the answer comes', async () => {
    expect(await entries(database)).toBe('in in, in in');

    const rule = await addRule(world, list, '127.0.0.2', { description: 'the office' });

    expect(await entries(database)).toBe('out in, out in');
    expect(rule).toMatchObject({
      database_id: database.id,
      tenant_id: null,
      ip_address: '127.0.0.2/32',
      description: 'the office',
      expires_at: null,
      status: 'applied',
      created_by: expect.any(String),
      overlaps: [],
    });
    expect(rule.applied_at).not.toBeNull();
    expect((await api.get(`${list}/${rule.id}`)).expect(200).data).toMatchObject({ id: rule.id });
    expect((await api.get(`/api/databases/${database.id}`)).data).toMatchObject({ access: 'restricted' });
  });

  test('of a home that was open warns who asks from elsewhere, and is made', async () => {
    expect((await addRule(world, list, '127.0.0.2')).warning).toContain('127.0.0.1');
    expect((await addRule(world, list, '127.0.0.1')).warning).toBeNull();
  });

  test('tells what it overlaps', async () => {
    await addRule(world, list, '127.0.0.0/8');
    await addRule(world, list, '10.0.0.0/8');

    const rule = await addRule(world, list, '127.0.0.1/32');

    expect(rule.overlaps).toEqual(['127.0.0.0/8']);
  });

  test('is refused when the list has its network, by the name of that rule', async () => {
    const rule = await addRule(world, list, '2001:DB8:0::/48');

    const again = await api.post(list, { ipAddress: '2001:db8::/48' });

    expect(again.status).toBe(409);
    expect(again.problem.detail).toContain(rule.id);
    expect(again.badFields).toEqual(['ipAddress']);
  });

  test.each<[string, unknown, string[]]>([
    ['no address', {}, ['ipAddress']],
    ['an empty one', { ipAddress: '' }, ['ipAddress']],
    ['a name', { ipAddress: 'localhost' }, ['ipAddress']],
    ['a number', { ipAddress: 127 }, ['ipAddress']],
    ['null', { ipAddress: null }, ['ipAddress']],
    ['a prefix that is too long', { ipAddress: '10.0.0.0/33' }, ['ipAddress']],
    ['an IPv6 prefix that is too long', { ipAddress: '2001:db8::/129' }, ['ipAddress']],
    ['a zone', { ipAddress: 'fe80::1%eth0' }, ['ipAddress']],
    ['a netmask', { ipAddress: '10.0.0.0/255.0.0.0' }, ['ipAddress']],
    ['a line break', { ipAddress: '10.0.0.1\n0.0.0.0/0' }, ['ipAddress']],
    ['an end that is past', { ipAddress: '10.0.0.1', expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
    [
      'an end without a time zone',
      { ipAddress: '10.0.0.1', expiresAt: '2100-01-01T00:00:00' },
      ['expiresAt'],
    ],
    ['an end that is none', { ipAddress: '10.0.0.1', expiresAt: 'tomorrow' }, ['expiresAt']],
    [
      'a description that is too long',
      { ipAddress: '10.0.0.1', description: 'x'.repeat(201) },
      ['description'],
    ],
    ['a description with a line break', { ipAddress: '10.0.0.1', description: 'a\nb' }, ['description']],
    ['force of a wrong type', { ipAddress: '10.0.0.1', force: 'yes' }, ['force']],
    ['an unknown field', { ipAddress: '10.0.0.1', port: 5432 }, ['port']],
  ])('with %s is refused by name', async (_, body, fields) => {
    const { problem, badFields } = (await api.post(list, body)).expect(400);

    expect(problem.code).toBe('VALIDATION_FAILED');
    expect(badFields).toEqual(fields);
    expect(await networksIn(world, list)).toEqual([]);
  });

  test.each([
    ['10.0.0.9/24', '10.0.0.0/24'],
    ['2001:db8::1/48', '2001:db8::/48'],
  ])('with host bits set (%s) names the network that was meant', async (ipAddress, meant) => {
    const { problem, badFields } = (await api.post(list, { ipAddress })).expect(400);

    expect(badFields).toEqual(['ipAddress']);
    expect(problem.detail).toContain(meant);
  });

  test('beyond the two hundredth is refused', async () => {
    const rules = Array.from({ length: 200 }, (_, at) => `10.0.0.${at}`);
    await setRules(world, list, rules);

    expect((await api.post(list, { ipAddress: '10.0.1.0' })).expect(400).badFields).toEqual(['ipAddress']);
    expect((await api.patch(list, { add: ['10.0.1.0'] })).expect(400).badFields).toEqual(['add']);
    const many = [...rules, '10.0.1.0'];
    const replaced = await api.put(list, { rules: many }, { headers: { 'if-match': '*' } });
    expect(replaced.expect(400).badFields).toEqual(['rules']);
    (await api.patch(list, { add: ['10.0.1.0'], remove: ['10.0.0.0'] })).expect(200);
  });
});

describe('the list', () => {
  test('comes in pages, newest first, with its ETag', async () => {
    for (const network of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) await addRule(world, list, network);

    const first = (await api.get<{ ip_address: string }[]>(`${list}?limit=2`)).expect(200);
    const second = (await api.get<{ ip_address: string }[]>(`${list}?cursor=${first.nextCursor}`)).expect(
      200,
    );

    expect([...first.data, ...second.data].map(({ ip_address }) => ip_address)).toEqual([
      '10.0.0.3/32',
      '10.0.0.2/32',
      '10.0.0.1/32',
    ]);
    expect([first.count, second.count, second.nextCursor]).toEqual([2, 1, null]);
    expect(first.headers.get('etag')).toMatch(/^"\d+"$/);
  });

  test('has a new ETag after each change, which the answer shows', async () => {
    const before = await etag();

    const { headers } = (await api.post(list, { ipAddress: '10.0.0.1' })).expect(201);

    expect(headers.get('etag')).toBe(await etag());
    expect(headers.get('etag')).not.toBe(before);
  });

  test.each(['get', 'delete'] as const)('%s of a rule that is not in it is 404', async (method) => {
    const other = await createDatabase(world);
    const foreign = await addRule(world, whitelistOf(other), '10.0.0.1');

    for (const id of [foreign.id, randomUUID()])
      expect((await api[method](`${list}/${id}`)).status).toBe(404);
    expect((await api[method](`${list}/x`)).expect(400).badFields).toEqual(['whitelistId']);
    await deleteDatabase(world, other);
  });

  test('of an unknown database is 404 on every route', async () => {
    const unknown = whitelistOf({ id: randomUUID() });
    const ifMatch = { headers: { 'if-match': '*' } };
    const answers = await Promise.all([
      api.get(unknown),
      api.post(unknown, { ipAddress: '10.0.0.1' }),
      api.patch(unknown, { add: ['10.0.0.1'] }),
      api.put(unknown, { rules: [] }, ifMatch),
      api.post(`${unknown}/check`, { ipAddress: '10.0.0.1' }),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  });
});

describe('a patch', () => {
  test('adds and takes away at once, by id and by network', async () => {
    const [byId] = [await addRule(world, list, '127.0.0.2'), await addRule(world, list, '10.0.0.0/8')];

    const add = ['127.0.0.1', { ipAddress: '::1', description: 'six', expiresAt: FUTURE }];
    const answer = await api.patch<Whitelist>(list, { add, remove: [byId.id, '10.0.0.0/8'] });

    expect(answer.expect(200).data).toMatchObject({ access: 'restricted', overlaps: [], warning: null });
    expect(answer.data.rules.map(({ ip_address, status }) => [ip_address, status])).toEqual([
      ['127.0.0.1/32', 'applied'],
      ['::1/128', 'applied'],
    ]);
    expect(await entries(database)).toBe('in out, in out');
  });

  test('is made whole or not at all', async () => {
    await addRule(world, list, '127.0.0.1');

    const answer = await api.patch(list, { add: ['10.0.0.0/8'], remove: ['127.0.0.1', '11.0.0.0/8'] });

    expect(answer.status).toBe(404);
    expect(answer.badFields).toEqual(['remove[1]']);
    expect(await networksIn(world, list)).toEqual(['127.0.0.1/32']);
  });

  test.each<[string, unknown, string[]]>([
    ['nothing', {}, ['add']],
    ['empty lists', { add: [], remove: [] }, ['add']],
    ['a list that is none', { add: '10.0.0.1' }, ['add']],
    ['a bad network', { add: ['10.0.0.1', 'x'] }, ['add[1].ipAddress']],
    ['null for a rule', { add: [null] }, ['add[0].ipAddress']],
    ['host bits', { add: [{ ipAddress: '10.0.0.1/8' }] }, ['add[0].ipAddress']],
    ['an unknown field', { add: [{ ipAddress: '10.0.0.1', colour: 'red' }] }, ['add[0].colour']],
    ['a network twice', { add: ['10.0.0.1', '10.0.0.1/32'] }, ['add[1].ipAddress']],
    [
      'a past end',
      { add: [{ ipAddress: '10.0.0.1', expiresAt: '2020-01-01T00:00:00Z' }] },
      ['add[0].expiresAt'],
    ],
    ['a bad removal', { remove: ['x'] }, ['remove']],
    ['too many', { add: Array.from({ length: 201 }, (_, at) => `10.0.0.${at}`) }, ['add']],
  ])('with %s is refused by name', async (_, body, fields) => {
    expect((await api.patch(list, body)).expect(400).badFields).toEqual(fields);
    expect(await networksIn(world, list)).toEqual([]);
  });
});

describe('a replacement', () => {
  test('keeps the rules that stay, and takes the others away', async () => {
    const stays = await addRule(world, list, '127.0.0.1', { description: 'before' });
    await addRule(world, list, '127.0.0.2');

    const rules = [{ ipAddress: '127.0.0.1', description: 'after' }, '10.0.0.0/8'];
    const { data } = (
      await api.put<Whitelist>(list, { rules }, { headers: { 'if-match': await etag() } })
    ).expect(200);

    expect(data.rules.map((rule) => [rule.ip_address, rule.description, rule.status])).toEqual([
      ['127.0.0.1/32', 'after', 'applied'],
      ['10.0.0.0/8', '', 'applied'],
    ]);
    expect(data.rules[0]).toMatchObject({ id: stays.id, created_at: stays.created_at });
    expect(await entries(database)).toBe('in out, in out');
  });

  test('needs the ETag of the list that it replaces', async () => {
    const old = await etag();
    await addRule(world, list, '127.0.0.1');
    const put = (ifMatch?: string) =>
      api.put(
        list,
        { rules: ['127.0.0.1'] },
        { headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } },
      );

    expect((await put()).expect(428).problem.code).toBe('PRECONDITION_REQUIRED');
    expect((await put(old)).expect(412).problem.code).toBe('PRECONDITION_FAILED');
    expect((await put('nonsense')).status).toBe(412);
    expect((await put(`W/${await etag()}`)).status).toBe(412);
    (await put(`"x", ${await etag()}`)).expect(200);
  });

  test.each<[string, unknown, string[]]>([
    ['no rules', {}, ['rules']],
    ['null', { rules: null }, ['rules']],
    ['a network twice', { rules: ['::1', '0:0::1'] }, ['rules[1].ipAddress']],
    ['a bad rule', { rules: [{ ipAddress: '10.0.0.1' }, 7] }, ['rules[1].ipAddress']],
  ])('with %s is refused by name', async (_, body, fields) => {
    const answer = await api.put(list, body, { headers: { 'if-match': '*' } });

    expect(answer.expect(400).badFields).toEqual(fields);
  });
});

describe('who asks from an address that a rule admits', () => {
  test('is not locked out by a removal, a patch or a replacement, unless forced', async () => {
    const own = await addRule(world, list, '127.0.0.0/24');
    await addRule(world, list, '10.0.0.0/8');
    const refused = await Promise.all([
      api.delete(`${list}/${own.id}`),
      api.patch(list, { remove: [own.id] }),
      api.put(list, { rules: ['10.0.0.0/8'] }, { headers: { 'if-match': '*' } }),
    ]);

    expect(refused.map(({ problem }) => problem.code)).toEqual(Array(3).fill('LOCKS_OUT_CALLER'));
    expect(await networksIn(world, list)).toEqual(['10.0.0.0/8', '127.0.0.0/24']);
    (await api.patch(list, { add: ['127.0.0.1'], remove: [own.id] })).expect(200);

    const [left] = (await listRules(world, list)).filter((rule) => rule.ip_address === '127.0.0.1/32');
    const forced = (await api.delete<Whitelist>(`${list}/${left?.id}?force=true`)).expect(200).data;

    expect(forced).toMatchObject({ id: left?.id, status: 'removed', access: 'restricted' });
    expect(forced.warning).toContain('127.0.0.1');
    expect(await entries(database)).toBe('out out, out out');
  });

  test('is told when the last rule goes and everybody gets in', async () => {
    const rule = await addRule(world, list, '127.0.0.1');

    const { data } = (await api.delete<Whitelist>(`${list}/${rule.id}`)).expect(200);

    expect(data.access).toBe('open');
    expect(data.warning).toContain('everybody');
    expect(await entries(database)).toBe('in in, in in');
  });

  test('is known by the address of the request', async () => {
    await addRule(world, list, '127.0.0.1');
    await addRule(world, list, '127.0.0.2');
    const remove = (from: string) =>
      requestFrom(`${api.baseUrl}${list}`, {
        from,
        method: 'PATCH',
        key: world.config.apiKey,
        body: { remove: ['127.0.0.2'] },
      });

    expect((await remove('127.0.0.2')).body.code).toBe('LOCKS_OUT_CALLER');
    expect((await remove('127.0.0.1')).status).toBe(200);
  });
});

test('changes of one list at once all succeed, and all are in force', async () => {
  const networks = Array.from({ length: 12 }, (_, at) => `127.0.0.${at + 1}/32`);

  const answers = await Promise.all(networks.map((ipAddress) => api.post(list, { ipAddress })));

  expect(answers.map(({ status }) => status)).toEqual(networks.map(() => 201));
  expect(await networksIn(world, list)).toEqual([...networks].sort());
  expect((await listRules(world, list)).every(({ status }) => status === 'applied')).toBe(true);
});

test('a change and another operation of the database do not refuse each other', async () => {
  const answers = await Promise.all([
    api.patch(`/api/databases/${database.id}`, { maxConnections: 7 }),
    api.post(list, { ipAddress: '127.0.0.1' }),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([200, 201]);
});

test('every change leaves the list before and after in the audit trail', async () => {
  const { requestId } = (await api.post(list, { ipAddress: '127.0.0.1', description: 'me' })).expect(201);
  const rows = await world.control.query(
    'SELECT action, resource_type, resource_id, before, after, outcome FROM audit_logs WHERE request_id = $1',
    [requestId],
  );

  expect(rows).toMatchObject([
    {
      action: 'whitelist.add',
      resource_type: 'database',
      resource_id: database.id,
      before: { rules: [] },
      after: { rules: [{ ip_address: '127.0.0.1/32', description: 'me' }] },
    },
  ]);
});

test('the answer that does not wait shows the list and where to follow it', async () => {
  const answer = await api.post<{ rules: object[] }>(
    list,
    { ipAddress: '127.0.0.1' },
    { prefer: 'respond-async' },
  );

  expect(answer.expect(202).data.rules).toMatchObject([{ ip_address: '127.0.0.1/32' }]);
  expect(answer.headers.get('location')).toMatch(/^\/api\/operations\//);
});

test('a deleted database takes its rules along', async () => {
  const gone = await createDatabase(world);
  await addRule(world, whitelistOf(gone), '127.0.0.1');

  await deleteDatabase(world, gone);

  const rows = await world.control.query('SELECT 1 FROM whitelist_rules WHERE database_id = $1', [gone.id]);
  expect(rows).toEqual([]);
});

describe('the command line', () => {
  let output = '';

  beforeEach(() => {
    output = '';
    vi.stubEnv('ROWHOUSE_URL', api.baseUrl);
    vi.stubEnv('ROWHOUSE_KEY', world.config.apiKey ?? '');
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output += text;
      return true;
    });
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  test('lists, adds and removes, of databases and of tenants', async () => {
    const tenant = await createTenant(world);
    for (const { id } of [database, tenant]) {
      await addToWhitelist(id, ['127.0.0.1', '10.0.0.0/8'], { description: 'office' });
      await expect(removeFromWhitelist(id, ['127.0.0.1'], {})).rejects.toMatchObject({
        answer: { code: 'LOCKS_OUT_CALLER' },
      });
      await removeFromWhitelist(id, ['10.0.0.0/8'], {});
      await listWhitelist(id);
    }

    expect(output.match(/has 2 rules and is in force; access is restricted/g)?.length).toBe(2);
    expect(output.match(/127\.0\.0\.1\/32 +applied +never ends +office/g)?.length).toBe(2);
    await expect(listWhitelist(randomUUID())).rejects.toThrow('no database and no tenant');
  });
});
