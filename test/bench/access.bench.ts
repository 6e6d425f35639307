import { beforeAll, describe, type TestContext, test } from 'vitest';
import { type AccessFixture, loginOf, startAccess } from '../integration/access-fixture.js';
import type { Door, MadeHome } from '../integration/provisioning-fixture.js';
import { clientFrom } from '../support/client-from.js';
import { addDatabases, RULES, setRules } from './access-rules.js';
import { assertRatio, median, stopwatch } from './ratio.js';

const CHANGES = 15;
const LOGINS = 150;
const SECOND = 1_000;
const ADDRESS = '127.0.0.2';

interface Side {
  readonly fixture: AccessFixture;
  readonly home: MadeHome;
}

/** Two stacks with the same 1,000 databases, so that both kinds of login take turns under the same conditions. */
const open = await makeSide();
const ruled = await makeSide();
await ruled.fixture.addRule({ databaseId: ruled.home.id }, ADDRESS);

describe.each([
  ['1,000 databases x 10 rules', RULES.common, 1.5],
  ['the same, all networks distinct', RULES.distinct, 3],
] as const)('%s', (what, rules, limit) => {
  beforeAll(async () => {
    await setRules(ruled.fixture, rules);
    await ruled.fixture.sync();
  });

  test(`a change live on both ports, against a second: ${what}`, async (context) => {
    const times: number[] = [];
    while (times.length < CHANGES) {
      const rule = await ruled.fixture.addRule({ databaseId: ruled.home.id }, `127.0.1.${times.length}`);
      times.push(await stopwatch(() => ruled.fixture.sync()));
      await ruled.fixture.removeRule(rule);
    }
    await ruled.fixture.sync();
    const measured = median(times);
    assertRatio(context, { measured, reference: SECOND, unit: 'ms', limit: { kind: 'at most', value: 1 } });
  });

  test(`direct login: ${what}`, (context) => compareLogins(context, 'direct', limit));
  test(`pooled login: ${what}`, (context) => compareLogins(context, 'pooled', limit));
});

async function makeSide(): Promise<Side> {
  const fixture = await startAccess();
  await addDatabases(fixture);
  return { fixture, home: await fixture.base.make() };
}

async function compareLogins(context: TestContext, door: Door, limit: number): Promise<void> {
  const measured: number[] = [];
  const reference: number[] = [];
  for (let login = 0; login < LOGINS; login += 1) {
    measured.push(await timeLogin(ruled, door));
    reference.push(await timeLogin(open, door));
  }
  assertRatio(context, {
    measured: median(measured),
    reference: median(reference),
    unit: 'ms',
    limit: { kind: 'at most', value: limit },
  });
}

/** A TLS login until the server is ready for a query. */
async function timeLogin({ fixture, home }: Side, door: Door): Promise<number> {
  const { port, pooler } = fixture.base.config.server;
  const { user, password, database } = loginOf(home);
  const client = clientFrom(ADDRESS, {
    port: door === 'direct' ? port : pooler?.port,
    user,
    password,
    database,
  });
  const time = await stopwatch(() => client.connect());
  await client.end();
  return time;
}
