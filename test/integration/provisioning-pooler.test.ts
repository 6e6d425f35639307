import { readFile, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { PoolerAliases } from '../../src/provisioning/pooler-aliases.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { until } from '../support/until.js';
import { startAnotherProcess, startProvisioning } from './provisioning-fixture.js';

const elsewhere = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const fixture = await startProvisioning({}, { publicHost: elsewhere ?? '127.0.0.1' });
const { aliases, provisioner } = fixture;
const configDir = fixture.config.server.pooler?.configDir ?? '';

async function served(): Promise<Map<string, number>> {
  const databases = await fixture.server.pooler?.databases();
  return new Map(databases?.map(({ name, pool_size }) => [name, pool_size]));
}

test('serves a home with four fifths of its connections, and one less when it has a shadow database', async () => {
  const home = await fixture.make({ maxConnections: 20 });
  expect((await served()).get(home.databaseName)).toBe(16);

  await fixture.makeShadow(home);

  expect((await served()).get(home.databaseName)).toBe(15);
  expect((await served()).get(`${home.databaseName}_shadow`)).toBe(1);
});

test('serves nothing for a home that is being deleted, and drops its clients', async () => {
  const home = await fixture.make();
  const client = await fixture.logIn('pooled', home);

  await fixture.setStatus(home, 'deleting');
  await aliases.sync(fixture.server);

  expect((await served()).has(home.databaseName)).toBe(false);
  await expect(client.query('SELECT 1')).rejects.toThrow();
});

test('writes files that only the pooler’s own user can read', async () => {
  for (const file of ['databases.ini', 'hba.conf']) {
    const { mode, uid } = await stat(join(configDir, file));
    expect(mode & 0o077, file).toBe(0);
    expect(uid, file).toBe((await stat(configDir)).uid);
  }
});

test('does not touch the file, nor the pooler, when nothing has changed', async () => {
  await aliases.sync(fixture.server);
  const before = await stat(join(configDir, 'databases.ini'));

  await aliases.sync(fixture.server);

  expect((await stat(join(configDir, 'databases.ini'))).ino).toBe(before.ino);
});

test('two processes that sync at once end with the newest entries', async () => {
  const other = await startAnotherProcess(fixture.config);
  const otherAliases = other.get(PoolerAliases);
  const otherServer = other.get(ServerRegistry).default();

  const homes = await Promise.all([1, 2, 3].map(() => fixture.make()));
  await Promise.all(homes.map((home) => fixture.setStatus(home, 'deleting')));
  await Promise.all([
    aliases.sync(fixture.server),
    otherAliases.sync(otherServer),
    aliases.sync(fixture.server),
  ]);

  const text = await readFile(join(configDir, 'databases.ini'), 'utf8');
  for (const { databaseName } of homes) expect(text).not.toContain(databaseName);
  await other.close();
});

test('says that the pooler is away, and serves everything when it is back', async () => {
  const home = await fixture.make();
  await fixture.setStatus(home, 'deleting');
  await fixture.stack.pgbouncer.stop();
  await expect(aliases.sync(fixture.server)).rejects.toThrow();
  await fixture.stack.pgbouncer.start();

  await fixture.setStatus(home, 'active');
  await until('the pooler serves again', async () => {
    await aliases.sync(fixture.server);
    return fixture.canLogIn('pooled', home);
  });
});

test('evicting an alias that does not exist creates none', async () => {
  await aliases.evict(fixture.server, 'tenant_00000000');

  expect((await served()).has('tenant_00000000')).toBe(false);
});

test("lets neither tenants nor Rowhouse's own users in where they have no business", async () => {
  const home = await fixture.make();
  const { pooler } = fixture.config.server;
  const database = home.databaseName;
  const own = [
    { user: pooler?.authUser ?? '', password: pooler?.authPassword ?? '' },
    { user: pooler?.adminUser ?? '', password: pooler?.adminPassword ?? '' },
    { user: fixture.config.control.user, password: fixture.config.control.password },
    { user: fixture.config.server.adminUser, password: fixture.config.server.adminPassword },
  ];

  for (const who of own) {
    await expect(fixture.connect('pooled', { ...who, database }), who.user).rejects.toThrow();
  }
  for (const other of ['pgbouncer', fixture.config.control.database]) {
    expect(await fixture.canLogIn('pooled', home, { database: other }), other).toBe(false);
  }
});

test.skipIf(!elsewhere)('refuses plaintext from another address than loopback, and takes TLS', async () => {
  const home = await fixture.make();

  for (const door of ['direct', 'pooled'] as const) {
    expect(await fixture.canLogIn(door, home, { host: elsewhere, tls: true }), `${door} TLS`).toBe(true);
    expect(await fixture.canLogIn(door, home, { host: elsewhere, tls: false }), `${door} plain`).toBe(false);
    expect(await fixture.canLogIn(door, home, { tls: false }), `${door} loopback`).toBe(true);
  }
});

test('a client of a role that may not log in any more gets no server connection', async () => {
  const home = await fixture.make();
  const client = await fixture.logIn('pooled', home);
  await provisioner.disableLogin(fixture.server, home);

  await expect(client.query('SELECT 1')).rejects.toThrow();
  expect(await fixture.canLogIn('pooled', home)).toBe(false);
});

test('keys are refreshed on an alias that somebody left paused, which goes on with that', async () => {
  const home = await fixture.make();
  await fixture.server.pooler?.pause(home.databaseName);

  await aliases.refreshKeys(fixture.server, home, home.password);

  expect(await fixture.canLogIn('pooled', home)).toBe(true);
});

test('a process that finds the pooler away at its start works as soon as it is back', async () => {
  const config = loadConfig({ ...fixture.env, DB_PGBOUNCER_ENABLED: 'false' });
  await fixture.stack.pgbouncer.stop();
  const late = await startAnotherProcess(config);
  const registry = late.get(ServerRegistry);
  expect(() => registry.default()).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
  expect(registry.list()[0]?.problem).toBeTruthy();

  await fixture.stack.pgbouncer.start();

  await until('the server is ready', () => registry.list()[0]?.server);
  expect(registry.default().facts.poolerVersion).toMatch(/^1\./);
  await late.close();
});
