import { beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { whileStopped } from '../support/faults.js';
import { type Approach, getsIn } from '../support/login-from.js';
import { mapParallel } from '../support/parallel.js';
import { createHost, createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { setRules, whitelistOf } from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { WARM_POOL_SIZE: '1', TENANT_WARM_POOL_SIZE: '0' } });

const FROM = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '::1'] as const;
const APPROACHES = FROM.flatMap((from) => [false, true].map((tls): Approach => ({ from, tls })));

/**
 * For each rule set, who gets in: without TLS and with it, from each address. The same holds on both ports. Without TLS
 * nobody comes but from 127.0.0.1 and ::1.
 */
const TABLE: readonly (readonly [rules: string, ...outcomes: string[]])[] = [
  // rule set                              127.0.0.1  127.0.0.2  127.0.0.3  ::1
  ['', /*                               */ 'in  in ', 'out in ', 'out in ', 'in  in '],
  ['closed', /*                         */ 'out out', 'out out', 'out out', 'out out'],
  ['127.0.0.1/32', /*                   */ 'in  in ', 'out out', 'out out', 'out out'],
  ['127.0.0.2/32', /*                   */ 'out out', 'out in ', 'out out', 'out out'],
  ['127.0.0.2/31', /*                   */ 'out out', 'out in ', 'out in ', 'out out'],
  ['127.0.0.0/30', /*                   */ 'in  in ', 'out in ', 'out in ', 'out out'],
  ['::1/128', /*                        */ 'out out', 'out out', 'out out', 'in  in '],
  ['0.0.0.0/0', /*                      */ 'in  in ', 'out in ', 'out in ', 'out out'],
  ['::/0', /*                           */ 'out out', 'out out', 'out out', 'in  in '],
  ['127.0.0.3/32 ::1/128', /*           */ 'out out', 'out out', 'out in ', 'in  in '],
  ['127.0.0.0/8 127.0.0.2/32', /*       */ 'in  in ', 'out in ', 'out in ', 'out out'],
  ['10.0.0.0/8 2001:db8::/32', /*       */ 'out out', 'out out', 'out out', 'out out'],
  ['closed 127.0.0.2/32', /*            */ 'out out', 'out in ', 'out out', 'out out'],
  ['host 127.0.0.2/32', /*              */ 'out out', 'out in ', 'out out', 'out out'],
  ['tenant of that host', /*            */ 'out out', 'out in ', 'out out', 'out out'],
  ['tenant with 127.0.0.3/32', /*       */ 'out out', 'out out', 'out in ', 'out out'],
  ['closed tenant', /*                  */ 'out out', 'out out', 'out out', 'out out'],
  ['tenant of an open host', /*         */ 'in  in ', 'out in ', 'out in ', 'in  in '],
];

type Home = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;

const homes = new Map<string, Home>();

beforeAll(async () => {
  const plain = TABLE.map(([rules]) => rules).filter((rules) => /^(closed ?)?([\d:.]|$)/.test(rules));
  await mapParallel(plain, 4, async (rules) => void homes.set(rules, await makeDatabase(rules)));
  const { database: host } = await createHost(world);
  const { database: openHost } = await createHost(world);
  homes.set('host 127.0.0.2/32', host);
  homes.set('tenant of an open host', await makeTenant(openHost));
  homes.set('tenant of that host', await makeTenant(host));
  homes.set('tenant with 127.0.0.3/32', await makeTenant(host, {}, ['127.0.0.3']));
  homes.set('closed tenant', await makeTenant(openHost, { externalAccess: false }));
  await setRules(world, whitelistOf(host), ['127.0.0.2']);
});

async function makeDatabase(rules: string): Promise<Home> {
  const words = rules.split(' ').filter((word) => word !== '');
  const database = await createDatabase(world, words[0] === 'closed' ? { externalAccess: false } : {});
  const networks = words.filter((word) => word !== 'closed');
  if (networks.length > 0) await setRules(world, whitelistOf(database), networks);
  return database;
}

async function makeTenant(host: NewDatabase, fields = {}, networks: readonly string[] = []): Promise<Home> {
  const tenant = await createTenant(world, { databaseId: host.id, ...fields });
  if (networks.length > 0) await setRules(world, whitelistOf(tenant, 'tenants'), networks);
  return tenant;
}

const nothing = async () => {};

describe.each<[string, () => Promise<void>]>([
  ['at once', nothing],
  ['after a restart of PostgreSQL', () => whileStopped(world, 'postgres', nothing)],
  ['after a restart of PgBouncer', () => whileStopped(world, 'pgbouncer', nothing)],
  ['after a restart of the API', () => world.app.stop().then(() => world.app.start())],
])('%s', (_, restart) => {
  beforeAll(async () => {
    await restart();
    const { connection_string, connection_string_pooled } = homes.get('') as Home;
    const [from] = APPROACHES as [Approach];
    await until('the servers answer again', async () => {
      return (await getsIn(connection_string, from)) && (await getsIn(connection_string_pooled, from));
    });
  });

  describe.each(TABLE)('"%s"', (rules, ...outcomes) => {
    test.each([
      ['direct', 'connection_string'],
      ['pooled', 'connection_string_pooled'],
    ] as const)('on the %s port', async (_port, field) => {
      const url = (homes.get(rules) as Home)[field];

      const admitted = await mapParallel(APPROACHES, 4, (approach) => getsIn(url, approach));

      const words = admitted.map((isIn) => (isIn ? 'in ' : 'out'));
      expect(FROM.map((_from, at) => `${words[2 * at]} ${words[2 * at + 1]}`)).toEqual(outcomes);
    });
  });
});
