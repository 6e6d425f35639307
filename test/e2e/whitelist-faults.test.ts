import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { findFreePort } from '../../src/infra/process/ports.js';
import { ChildApp } from '../support/app.js';
import { crashing } from '../support/crashing.js';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { whileFrozen, whileKilled, whileStopped } from '../support/faults.js';
import { getsIn } from '../support/login-from.js';
import { until } from '../support/until.js';
import {
  addRule,
  listRules,
  type PortCheck,
  type Rule,
  setRules,
  whitelistOf,
} from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

/** The control database is reached directly, so that it stays when the pooler goes; what it has committed stays too. */
const world = await startWorld({
  durable: true,
  app: 'child',
  env: { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '0', DB_PGBOUNCER_ENABLED: 'false' },
});
const { api } = world;

const ASYNC = { prefer: 'respond-async' } as const;

/** Whether 127.0.0.1 and 127.0.0.2 get in on a port. */
async function admitted(url: string): Promise<boolean[]> {
  return Promise.all(['127.0.0.1', '127.0.0.2'].map((from) => getsIn(url, { from, tls: true })));
}

async function onBothPorts({
  connection_string,
  connection_string_pooled,
}: NewDatabase): Promise<boolean[][]> {
  return [await admitted(connection_string), await admitted(connection_string_pooled)];
}

const BROKEN_LINE = 'what is this line\n';

/** From now on PostgreSQL refuses pg_hba.conf, until it is mended. */
async function breakRules(): Promise<{ file: string; mend: () => Promise<void> }> {
  const [row] = await world.server.query<{ hba_file: string }>('SHOW hba_file');
  const file = row?.hba_file ?? '';
  await appendFile(file, BROKEN_LINE);
  const mend = async () => writeFile(file, (await readFile(file, 'utf8')).replace(BROKEN_LINE, ''));
  return { file, mend };
}

/** A database that only 127.0.0.1 may reach. */
async function createGuarded(): Promise<{ database: NewDatabase; list: string }> {
  const database = await createDatabase(world);
  const list = whitelistOf(database);
  await addRule(world, list, '127.0.0.1');
  return { database, list };
}

function statusOf(list: string, network: string): Promise<Rule['status'] | undefined> {
  return listRules(world, list).then((rules) => rules.find((rule) => rule.ip_address === network)?.status);
}

function untilApplied(list: string, network = '127.0.0.2/32'): Promise<unknown> {
  return until('the rule is applied', async () => (await statusOf(list, network)) === 'applied', {
    timeoutMs: 30_000,
  });
}

/** Nobody can write the servers' rules until the work is done. */
async function whileRulesAreLocked(work: () => Promise<void>): Promise<void> {
  const { host, port, adminUser: user, adminPassword: password } = world.config.server;
  const client = new Client({ host, port, user, password, database: world.config.control.database });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(
    `BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('rowhouse pooler files ' || id, 0)) FROM servers`,
  );
  await work();
  await client.end().catch(() => undefined);
}

test('with PostgreSQL going down during an apply, the rule is stored and comes into force when it is back', async () => {
  const { database, list } = await createGuarded();

  await whileRulesAreLocked(async () => {
    (await api.post(list, { ipAddress: '127.0.0.2' }, ASYNC)).expect(202);
    expect(await statusOf(list, '127.0.0.2/32')).toBe('stored');
    const check = await api.post<{ ports: PortCheck[] }>(
      `${list}/check`,
      { ipAddress: '127.0.0.2' },
      { changesNothing: true },
    );
    expect(check.expect(200).data.ports.map((port) => [port.allowed, port.in_force])).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(await onBothPorts(database)).toEqual(Array(2).fill([true, false]));
    await whileKilled(world, 'postgres', async () => {});
  });

  await untilApplied(list);
  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));
}, 90_000);

test('with PgBouncer down, neither port has the change until it is back', async () => {
  const { database, list } = await createGuarded();

  await whileStopped(world, 'pgbouncer', async () => {
    (await api.post(list, { ipAddress: '127.0.0.2' }, { prefer: 'wait=2' })).expect(202);

    expect(await statusOf(list, '127.0.0.2/32')).toBe('stored');
    expect(await admitted(database.connection_string)).toEqual([true, false]);
  });

  await untilApplied(list);
  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));
}, 90_000);

describe('an application that is killed', () => {
  test('after an apply, before it wrote that down, ends with the rule applied', async () => {
    const { database, list } = await createGuarded();

    await crashing(world, 'whitelist.apply/apply', () => api.post(list, { ipAddress: '127.0.0.2' }));

    expect(await statusOf(list, '127.0.0.2/32')).toBe('applied');
    expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));
  }, 60_000);

  test('between the ports ends with the rule on both', async () => {
    const { database, list } = await createGuarded();

    await whileFrozen(world, 'pgbouncer', async () => {
      (await api.post(list, { ipAddress: '127.0.0.2' }, ASYNC)).expect(202);
      await until(
        'the direct port has the rule',
        async () => (await admitted(database.connection_string))[1],
      );
      await world.app.kill();
    });
    await world.app.start();

    await untilApplied(list);
    expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));
  }, 60_000);

  test('during a removal ends with the rule gone from both', async () => {
    const { database, list } = await createGuarded();
    const rule = await addRule(world, list, '127.0.0.2');

    await whileRulesAreLocked(async () => {
      (await api.delete(`${list}/${rule.id}`, ASYNC)).expect(202);
      expect(await statusOf(list, '127.0.0.2/32')).toBe('removing');
      expect((await api.delete(`${list}/${rule.id}`)).problem.code).toBe('RESOURCE_BUSY');
      await world.app.kill();
    });
    await world.app.start();

    await until('the rule is gone', async () => (await statusOf(list, '127.0.0.2/32')) === undefined);
    expect(await onBothPorts(database)).toEqual(Array(2).fill([true, false]));
  }, 60_000);
});

test('a change that PostgreSQL refuses says why and leaves the old rules in force', async () => {
  const { database, list } = await createGuarded();
  const second = await addRule(world, list, '127.0.0.2');
  const { mend } = await breakRules();

  const removal = await api.delete(`${list}/${second.id}`);
  const addition = await api.post(list, { ipAddress: '127.0.0.3' });
  const both = await api.patch(list, { add: ['127.0.0.4'], remove: ['127.0.0.2'] });

  expect([removal.status, addition.status, both.status]).toEqual([500, 500, 500]);
  expect((await listRules(world, list)).map((rule) => rule.ip_address).sort()).toEqual([
    '127.0.0.1/32',
    '127.0.0.2/32',
  ]);
  expect(removal.problem.code).toBe('OPERATION_FAILED');
  expect(removal.problem.detail).toMatch(/pg_hba|line/);
  expect(await statusOf(list, '127.0.0.2/32')).toBe('applied');
  expect(await statusOf(list, '127.0.0.3/32')).toBe(undefined);
  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));

  await mend();
  await setRules(world, list, ['127.0.0.1', '127.0.0.3']);
  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, false]));
}, 60_000);

test('a database that cannot be closed is not said to be', async () => {
  const database = await createDatabase(world);
  const { file, mend } = await breakRules();

  const closing = await api.patch(`/api/databases/${database.id}`, { externalAccess: false });
  expect(await rulesPart()).toMatchObject({ status: 'down', needed: false, reason: 'OPERATION_FAILED' });
  await mend();

  expect([closing.status, closing.problem.code]).toEqual([500, 'OPERATION_FAILED']);
  const shown = await api.get(`/api/databases/${database.id}`);
  expect(shown.expect(200).data).toMatchObject({ external_access: null, access: 'open' });
  expect(await readFile(file, 'utf8')).not.toContain(BROKEN_LINE);
  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, true]));
  await addRule(world, whitelistOf(database), '127.0.0.1');
  expect(await rulesPart()).toMatchObject({ status: 'up' });
}, 60_000);

test('a role whose networks cannot be narrowed is not said to have the new ones', async () => {
  const { database } = await createGuarded();
  const roles = `/api/databases/${database.id}/roles`;
  const wish = { name: 'reports', access: 'readonly', allowedCidrs: ['127.0.0.0/8'] };
  const role = (await api.post<NewDatabase>(roles, wish)).expect(201).data;
  const { mend } = await breakRules();

  const narrowing = await api.patch(`${roles}/${role.id}`, { allowedCidrs: ['127.0.0.1'] });
  await mend();

  expect([narrowing.status, narrowing.problem.code]).toEqual([500, 'OPERATION_FAILED']);
  const shown = (await api.get(`${roles}/${role.id}`)).expect(200);
  expect(shown.data).toMatchObject({ allowed_cidrs: ['127.0.0.0/8'] });
}, 60_000);

/** What readiness says of the rules. */
async function rulesPart() {
  const answer = await fetch(`${api.baseUrl}/health/ready`);
  const { parts } = (await answer.json()) as { parts: { name: string }[] };
  return parts.find(({ name }) => name === 'access rules of default');
}

test('of several processes one ends an expired rule', async () => {
  const { app } = world;
  const port = await findFreePort();
  const others = await Promise.all(
    [port, await findFreePort()].map(async (PORT) => {
      const other = new ChildApp(`http://127.0.0.1:${PORT}`, {
        ...(app as ChildApp).env,
        PORT: String(PORT),
      });
      await other.start();
      return other;
    }),
  );
  const { database, list } = await createGuarded();

  const expiresAt = new Date(Date.now() + 1_000).toISOString();
  await addRule(world, list, '127.0.0.2', { expiresAt });
  await until('it is expired', async () => (await statusOf(list, '127.0.0.2/32')) === 'expired');

  expect(await onBothPorts(database)).toEqual(Array(2).fill([true, false]));
  const rows = await world.control.query(
    `SELECT 1 FROM audit_logs WHERE resource_id = $1 AND action = 'whitelist.expire'`,
    [database.id],
  );
  expect(rows.length).toBe(1);
  await Promise.all(others.map((other) => other.stop()));
}, 60_000);
