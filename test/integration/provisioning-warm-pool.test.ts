import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { type MadeHome, startAnotherProcess, startProvisioning } from './provisioning-fixture.js';

const STOCK = 2;
const BLANK_OID = `SELECT oid FROM pg_database WHERE datname = 'rowhouse_blank'`;

const fixture = await startProvisioning({ WARM_POOL_SIZE: String(STOCK) });
const { warmPool, provisioner } = fixture;

async function readyStock(): Promise<number> {
  const [row] = await fixture.control.query(
    `SELECT count(*)::integer AS ready FROM warm_databases WHERE state = 'ready'`,
  );
  return row.ready;
}

function untilFull(): Promise<unknown> {
  return until('the stock is full', async () => (await readyStock()) >= STOCK);
}

test('a claimed home has its database, its role and its alias, and lacks the login only', async () => {
  await untilFull();
  const planned = await fixture.plan({ maxConnections: fixture.config.databases.defaultMaxConnections });
  const warm = await fixture.control.transaction((tx) => warmPool.claim(tx, fixture.server.id));
  if (!warm) throw new Error('there was no warm home');
  const { databaseName, databaseOid, username, roleOid } = warm;
  const home: MadeHome = { ...planned, databaseName, databaseOid, username, roleOid };
  expect(await fixture.canLogIn('direct', home)).toBe(false);

  await provisioner.enableLogin(fixture.server, home);

  for (const door of ['direct', 'pooled'] as const)
    expect(await fixture.canLogIn(door, home), door).toBe(true);
});

test('claims at the same time get different homes, and a claim that is rolled back gives its home back', async () => {
  await untilFull();

  const claims = await Promise.all(
    [1, 2].map(() => fixture.control.transaction((tx) => warmPool.claim(tx, fixture.server.id))),
  );
  expect(new Set(claims.map((claim) => claim?.databaseName)).size).toBe(2);

  await untilFull();
  const given = await readyStock();
  const rolledBack = fixture.control.transaction(async (tx) => {
    await warmPool.claim(tx, fixture.server.id);
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  expect(await readyStock()).toBeGreaterThanOrEqual(given);
});

test('finishes what a crashed builder left behind, at whatever step that was', async () => {
  await untilFull();
  const rows = [
    { suffix: 'aaaaaaa1', made: 'nothing' },
    { suffix: 'aaaaaaa2', made: 'role' },
    { suffix: 'aaaaaaa3', made: 'database' },
  ];
  for (const { suffix, made } of rows) {
    const row = {
      databaseName: `tenant_${suffix}`,
      username: `user_${suffix}`,
      databaseOid: null,
      roleOid: null,
    };
    await fixture.control.query(
      `INSERT INTO warm_databases (id, server_id, database_name, username, state)
       VALUES (gen_random_uuid(), $1, $2, $3, 'building')`,
      [fixture.server.id, row.databaseName, row.username],
    );
    if (made !== 'nothing') await provisioner.ensureRole(fixture.server, row);
    if (made === 'database') await provisioner.ensureDatabase(fixture.server, row);
  }

  await warmPool.refill(fixture.server);

  const found = await fixture.control.query(
    `SELECT state FROM warm_databases WHERE database_name LIKE 'tenant\\_aaaaaaa_'`,
  );
  expect(found).toEqual(rows.map(() => ({ state: 'ready' })));
});

test('removes retired homes from the server, and nothing else', async () => {
  await untilFull();
  const retired = await fixture.control.query(
    `SELECT database_name AS name, username FROM warm_databases WHERE state = 'ready'`,
  );
  await fixture.control.query(`UPDATE warm_databases SET state = 'retired' WHERE state = 'ready'`);

  await warmPool.refill(fixture.server);

  for (const { name, username } of retired) {
    expect(await fixture.admin(`SELECT 1 FROM pg_database WHERE datname = '${name}'`)).toEqual([]);
    expect(await fixture.admin(`SELECT 1 FROM pg_roles WHERE rolname = '${username}'`)).toEqual([]);
  }
  await untilFull();
});

test('the blank database cannot be entered, so a copy never waits for somebody in it', async () => {
  const refusal = { code: '55000' };

  await expect(fixture.admin('SELECT 1', 'rowhouse_blank')).rejects.toMatchObject(refusal);
});

test('an outdated blank database is made anew by one of many processes, and its copies are not handed out', async () => {
  await untilFull();
  const outdated = await fixture.control.query(
    `SELECT database_name AS name FROM warm_databases WHERE state = 'ready'`,
  );
  const [former] = await fixture.admin(BLANK_OID);
  await fixture.admin(`COMMENT ON DATABASE rowhouse_blank IS 'an older release made this'`);

  const processes = await Promise.all([1, 2, 3, 4].map(() => startAnotherProcess(fixture.config)));

  const [present] = await fixture.admin(BLANK_OID);
  expect(present?.['oid']).not.toBe(former?.['oid']);
  for (const { name } of outdated) {
    const found = await fixture.control.query(
      `SELECT 1 FROM warm_databases WHERE database_name = $1 AND state = 'ready'`,
      [name],
    );
    expect(found, name).toEqual([]);
  }
  await Promise.all(processes.map((process) => process.close()));
  await untilFull();
});
