import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { AccessSync } from '../../src/provisioning/access/access-sync.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { until } from '../support/until.js';
import { loginOf, startAccess } from './access-fixture.js';
import { startAnotherProcess } from './provisioning-fixture.js';

const fixture = await startAccess({ DEFAULT_ACCESS: 'closed', WARM_POOL_SIZE: '1' });
const { base } = fixture;

const ADDRESSES = ['127.0.0.1', '127.0.0.2'];
const both = (...addresses: string[]) => ({ direct: addresses, pooled: addresses });

test('closed by default, a new home is shut before its login opens, and opens by its switch or a rule', async () => {
  const home = await base.make();
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both());

  await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  await fixture.sync();
  expect(await fixture.admitted(loginOf(home), ADDRESSES)).toEqual(both('127.0.0.2'));

  const open = await base.make();
  await base.control.query('UPDATE databases SET external_access = true WHERE id = $1', [open.id]);
  await fixture.sync();
  expect(await fixture.admitted(loginOf(open), ADDRESSES)).toEqual(both(...ADDRESSES));
});

test('closed by default, homes in stock are shut before anybody claims them', async () => {
  const name = await until('there is stock', async () => {
    const [row] = await base.control.query(`SELECT database_name FROM warm_databases WHERE state = 'ready'`);
    return row?.database_name as string;
  });

  const { hbaFile, pooler } = base.config.server;
  for (const path of [hbaFile ?? '', join(pooler?.configDir ?? '', 'hba.conf')]) {
    expect(await readFile(path, 'latin1'), path).toMatch(
      new RegExp(`^host .*"${name}".* all 0.0.0.0/0 reject$`, 'm'),
    );
  }
});

test('a process that comes over the network is admitted with its own address', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  const { DB_SOCKET_DIR: _, ...env } = base.env;
  const other = await startAnotherProcess(loadConfig(env));
  onTestFinished(() => other.close());

  expect(
    await base.control.query('SELECT port, host(address) AS address FROM access_peers ORDER BY 1'),
  ).toEqual([
    { port: 'direct', address: '127.0.0.1' },
    { port: 'pooled', address: '127.0.0.1' },
  ]);
  expect(await fixture.admitted(loginOf(home), [...ADDRESSES, '127.0.0.3'])).toEqual(both(...ADDRESSES));
  await base.control.query("UPDATE access_peers SET seen_at = now() - interval '8 days'");
  await other.get(AccessSync).sync(other.get(ServerRegistry).default());
  expect(await fixture.canLogIn('direct', '127.0.0.1', loginOf(home))).toBe(false);
});
