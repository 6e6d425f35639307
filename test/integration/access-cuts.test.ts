import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { LOOKUP_ALIAS } from '../../src/infra/pgbouncer/auth-query.js';
import { readAccessPlan } from '../../src/provisioning/access/plan-reader.js';
import { SessionPatrol } from '../../src/provisioning/access/session-patrol.js';
import type { ManagedServer } from '../../src/provisioning/managed-server.js';
import { connectFrom } from '../support/client-from.js';
import { until } from '../support/until.js';
import { DOORS, type Login, loginOf, startAccess } from './access-fixture.js';
import type { Door } from './provisioning-fixture.js';

const fixture = await startAccess();
const { base } = fixture;

async function open(door: Door, from: string, login: Login): Promise<Client> {
  const client = await fixture.logIn(door, from, login);
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** Before 1.24 it takes the right to close other processes' sockets; without it, all on the alias have to come back. */
const cutsOne = base.server.facts.canKillClient || process.getuid?.() === 0;

async function isAlive(client: Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  );
}

test.each(DOORS)('removing an address cuts its sessions on the %s port, and no others', async (door) => {
  const home = await base.make({ maxConnections: 20 });
  const doomed = await Promise.all(
    ['127.0.0.2', '::1'].map((network) => fixture.addRule({ databaseId: home.id }, network)),
  );
  for (const network of ['127.0.0.1', '127.0.0.3']) await fixture.addRule({ databaseId: home.id }, network);
  const neighbour = await base.make();
  await fixture.sync();
  const [one, two, three, four] = await Promise.all([
    open(door, '127.0.0.2', loginOf(home)),
    open(door, '::1', loginOf(home)),
    open(door, '127.0.0.3', loginOf(home)),
    open(door, '127.0.0.2', loginOf(neighbour)),
  ]);
  const busy = await open(door, '127.0.0.2', loginOf(home));
  const innocent = await open(door, '127.0.0.1', loginOf(home));
  await busy.query('BEGIN; SELECT 1');
  await innocent.query('BEGIN; CREATE TABLE kept_alive ()');

  for (const rule of doomed) await fixture.removeRule(rule);
  await fixture.sync();

  for (const client of [one, two, busy]) expect(await isAlive(client)).toBe(false);
  expect(await isAlive(four)).toBe(true);
  expect(await isAlive(three)).toBe(door === 'direct' || cutsOne);
  if (door === 'direct' || cutsOne) await innocent.query('COMMIT');
});

test('an address that a narrower rule still admits keeps its sessions', async () => {
  const home = await base.make();
  const wide = await fixture.addRule({ databaseId: home.id }, '127.0.0.0/8');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  await fixture.sync();
  const clients = await Promise.all(DOORS.map((door) => open(door, '127.0.0.2', loginOf(home))));

  await fixture.removeRule(wide);
  await fixture.sync();

  for (const client of clients) expect(await isAlive(client)).toBe(true);
});

test.each(DOORS)('finds who was asked for the password before the change, on the %s port', async (door) => {
  const home = await base.make();
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  await fixture.sync();
  const { port, pooler } = base.config.server;
  const answer = promised<string>();
  const asked = promised<void>();
  const late = connectFrom('127.0.0.2', {
    port: door === 'direct' ? port : pooler?.port,
    user: home.username,
    database: home.databaseName,
    password: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  await asked.promise;
  await fixture.removeRule(rule);
  await fixture.sync();
  answer.resolve(home.password);
  const client = await late;

  await until('the patrol comes by', async () => {
    await fixture.access.sweep(base.server);
    return !(await isAlive(client));
  });
});

test('a pooler elsewhere drops all on the alias, and the innocent come back at once', async () => {
  const home = await base.make();
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  await fixture.sync();
  const intruder = await open('pooled', '127.0.0.2', loginOf(home));
  const innocent = await open('pooled', '127.0.0.3', loginOf(home));
  await fixture.removeRule(rule);
  const plan = await readAccessPlan(base.control.manager, base.server, 'open');

  await base.context.get(SessionPatrol).sweep(withPoolerElsewhere(base.server), plan);

  expect(await isAlive(intruder)).toBe(false);
  expect(await isAlive(innocent)).toBe(false);
  expect(await fixture.canLogIn('pooled', '127.0.0.3', loginOf(home))).toBe(true);
});

test('leaves alone whose login the pooler is still looking up', async () => {
  const tenant = await fixture.tenantIn(await base.make(), '0301');
  await fixture.addRule({ tenantId: tenant.id }, '127.0.0.2');
  await fixture.sync();
  const { pooler } = base.server;
  const aliases = (await pooler?.databases())?.map(({ name }) => name);
  // From 1.19 on, all lookups are made over one alias.
  const lookups = aliases?.includes(LOOKUP_ALIAS) ? LOOKUP_ALIAS : tenant.alias;
  await pooler?.pause(lookups);
  const login = open('pooled', '127.0.0.2', tenant);
  await until('it waits', async () =>
    (await pooler?.pools())?.some((pool) => pool.database === lookups && pool.cl_waiting > 0),
  );

  await fixture.access.sweep(base.server);
  await pooler?.resume(lookups);

  expect(await isAlive(await login)).toBe(true);
});

test('leaves sessions alone that came over Unix sockets', async () => {
  const home = await base.make();
  await base.control.query('UPDATE databases SET external_access = false WHERE id = $1', [home.id]);
  const { pooler, socketDirectory } = base.config.server;
  const client = await base.connect('pooled', {
    user: home.username,
    password: home.password,
    database: home.databaseName,
    host: socketDirectory ?? pooler?.host,
  });
  onTestFinished(() => client.end());

  await fixture.sync();

  expect(await isAlive(client)).toBe(true);
});

function withPoolerElsewhere(server: ManagedServer): ManagedServer {
  const { pooler } = server.config;
  if (!pooler) throw new Error('there is no pooler');
  return {
    ...server,
    config: { ...server.config, pooler: { ...pooler, socketDirectory: null, host: 'pooler.example' } },
  };
}

function promised<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
