import { expect, test } from 'vitest';
import { evaluateAccess } from '../../src/provisioning/access/evaluate-access.js';
import { readAccessPlan } from '../../src/provisioning/access/plan-reader.js';
import { connectFrom } from '../support/client-from.js';
import { DOORS, loginOf, startAccess } from './access-fixture.js';

const fixture = await startAccess();
const { base } = fixture;

const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '::1'];
const both = (...addresses: string[]) => ({ direct: addresses, pooled: addresses });

test('leaves pg_hba.conf as it was while nothing is guarded', async () => {
  const { hbaFile } = base.config.server;
  const [line] = await base.admin(`SELECT pg_catalog.pg_read_file('${hbaFile}') AS text`);

  expect(line?.['text']).not.toContain('Rowhouse');
});

test.each<[string, string[], string[]]>([
  ['one address', ['127.0.0.2'], ['127.0.0.2']],
  ['two addresses', ['127.0.0.1', '127.0.0.3'], ['127.0.0.1', '127.0.0.3']],
  ['a network', ['127.0.0.2/31'], ['127.0.0.2', '127.0.0.3']],
  ['an IPv6 address', ['::1'], ['::1']],
  ['all of IPv4', ['0.0.0.0/0'], ['127.0.0.1', '127.0.0.2', '127.0.0.3']],
  ['all of both', ['0.0.0.0/0', '::/0'], ADDRESSES],
  ['an address elsewhere', ['203.0.113.5'], []],
])('admits %s and nobody else, on both ports', async (_what, networks, expected) => {
  const home = await fixture.guardedHome(...networks);

  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both(...expected));
});

test('leaves a home without rules open to all, and closes it without a rule when told so', async () => {
  const home = await base.make();
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both(...ADDRESSES));

  await base.control.query('UPDATE databases SET external_access = false WHERE id = $1', [home.id]);
  await fixture.sync();

  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both());
});

test('asks for TLS from everywhere but 127.0.0.1 and ::1', async () => {
  const home = await fixture.guardedHome('127.0.0.0/8', '::1');
  const { port, pooler } = base.config.server;
  const who = { user: home.username, password: home.password, database: home.databaseName, ssl: false };

  for (const door of [port, pooler?.port]) {
    for (const address of ['127.0.0.1', '::1'])
      await (await connectFrom(address, { ...who, port: door })).end();
    await expect(connectFrom('127.0.0.2', { ...who, port: door })).rejects.toThrow();
  }
});

test('marks a rule when both ports have it, and forgets it when both are without', async () => {
  const home = await base.make();
  const kept = await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  const removed = await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  expect((await fixture.ruleOf(kept))?.['applied_at']).toBeNull();

  await fixture.sync();
  expect((await fixture.ruleOf(kept))?.['applied_at']).toBeInstanceOf(Date);
  await fixture.removeRule(removed);
  await fixture.sync();

  expect(await fixture.ruleOf(removed)).toBeUndefined();
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both('127.0.0.2'));
  await fixture.removeRule(kept);
  await fixture.sync();
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both(...ADDRESSES));
});

test('a list that ran empty by itself opens nothing', async () => {
  const home = await base.make();
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.2', new Date(Date.now() - 1_000));

  await fixture.sync();

  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both());
  expect(await fixture.ruleOf(rule)).toMatchObject({ applied_at: null, expired_at: expect.any(Date) });
});

test("a tenant's own rules count instead of its database's, which the other tenants follow", async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  const own = await fixture.tenantIn(home, '0001');
  const following = await fixture.tenantIn(home, '0002');
  await fixture.addRule({ tenantId: own.id }, '127.0.0.3');
  await fixture.sync();

  expect(await fixture.admitted(own, ADDRESSES)).toEqual(both('127.0.0.3'));
  expect(await fixture.admitted(following, ADDRESSES)).toEqual(both('127.0.0.2'));
  const astray = { ...loginOf(home), alias: own.alias };
  expect(await fixture.canLogIn('pooled', '127.0.0.2', astray)).toBe(false);
  expect(await fixture.canLogIn('pooled', '127.0.0.3', { ...own, alias: following.alias })).toBe(false);
});

test('a login with networks of its own is held to those', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  const username = `${home.username}_reader`;
  const password = await fixture.loginRole(username, home);
  await base.control.query(
    `INSERT INTO login_roles (id, database_id, purpose, name, username, access, status, max_connections, networks,
       created_by)
     VALUES (gen_random_uuid(), $1, 'role', 'reader', $2, 'readonly', 'active', 5, '{127.0.0.3,::1}', 'test')`,
    [home.id, username],
  );
  await fixture.sync();

  const login = { ...loginOf(home), user: username, password };
  expect(await fixture.admitted(login, ADDRESSES)).toEqual(both('127.0.0.3', '::1'));
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both('127.0.0.2'));
});

test('what is made in a guarded database is guarded before anybody can log in', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  const tenant = await fixture.tenantIn(home, '0003');

  expect(await fixture.admitted(tenant, ADDRESSES)).toEqual(both('127.0.0.2'));
});

test('is judged as the servers judge it', async () => {
  const home = await fixture.guardedHome('127.0.0.2', '::1');
  const plan = await readAccessPlan(base.control.manager, base.server, 'open');

  const attempt = { database: home.databaseName, role: home.username };
  for (const port of DOORS) {
    for (const address of ADDRESSES) {
      expect(evaluateAccess(plan, { ...attempt, port, address }).allowed).toBe(
        await fixture.canLogIn(port, address, loginOf(home)),
      );
    }
  }
});
