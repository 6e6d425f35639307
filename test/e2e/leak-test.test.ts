import { DataSource } from 'typeorm';
import { expect, test } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import { PoolerAliases } from '../../src/provisioning/pooler-aliases.js';
import { Reconciler } from '../../src/provisioning/reconciliation/reconciler.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { LEFTOVERS, type LeakAttack } from '../../src/provisioning/tenancy/leaks/leak-attacks.js';
import { LeakProbeStore } from '../../src/provisioning/tenancy/leaks/leak-probe-store.js';
import { LeakProbes } from '../../src/provisioning/tenancy/leaks/leak-probes.js';
import {
  appOf,
  asking,
  enter,
  hear,
  intrude,
  type LeakDoor,
  type LeakStage,
  look,
} from '../../src/provisioning/tenancy/leaks/leak-stage.js';
import { LEAK_DOORS, LeakTest, tryAll } from '../../src/provisioning/tenancy/leaks/leak-test.js';
import type { RequestOptions } from '../support/api.js';
import { InProcessApp } from '../support/app.js';
import { createDatabase } from '../support/databases.js';
import { query } from '../support/sql.js';
import { createHost, createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

interface Report {
  passed: boolean;
  findings: { door: string; attack: string; outcome: string; detail: string; shared_connection: boolean }[];
  skipped: { door: string; reason: string }[];
  connections: number;
}

const world = await startWorld();
const { api, control, server, pooler } = world;
const { database } = await createHost(world);
const tenant = await createTenant(world, { databaseId: database.id });
const runTest = (id = database.id, options: RequestOptions = {}) =>
  api.post<Report>(`/api/databases/${id}/leak-test`, {}, { prefer: 'wait=60', ...options });

/** The product's own parts, for what no client may do. */
function inside() {
  const { app } = world;
  if (!(app instanceof InProcessApp)) throw new Error('the application runs elsewhere');
  const { nest } = app;
  return {
    server: nest.get(ServerRegistry).default(),
    store: nest.get(LeakProbeStore),
    probes: nest.get(LeakProbes),
    aliases: nest.get(PoolerAliases),
    tests: nest.get(LeakTest),
    reconciler: nest.get(Reconciler),
    control: nest.get(DataSource).manager,
  };
}

/** The two tenants of a test that nobody ended. */
async function openStage(): Promise<{ stage: LeakStage; close: () => Promise<void> }> {
  const parts = inside();
  const id = newId();
  await parts.store.insert(parts.control, { id, serverId: parts.server.id, databaseId: database.id });
  const probe = await parts.store.get(id);
  await parts.aliases.sync(parts.server);
  const stage = await parts.tests.prepare(parts.server, probe);
  const close = async () => {
    await parts.probes.remove(parts.server, probe);
    await parts.store.deleteAll(parts.control, database.id);
    await parts.aliases.sync(parts.server);
  };
  return { stage, close };
}

async function leftovers(): Promise<unknown[]> {
  const roles = await server.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'leak\\_%'");
  const aliases = (await pooler.query('SHOW DATABASES')).filter(({ name }) =>
    String(name).startsWith('leak_'),
  );
  const schemas = await query(
    database.connection_string,
    "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'leak\\_%'",
  );
  const tenants = await query(
    database.connection_string,
    "SELECT * FROM shared.tenants WHERE slug LIKE 'leak%'",
  );
  const rows = await control.query('SELECT id FROM leak_probes');
  return [...roles, ...aliases, ...schemas, ...tenants, ...rows];
}

test('every attack at every door is safe or blocked, and nothing is left of it', async () => {
  const { data: report } = (await runTest()).expect(200);

  expect(report.findings.filter(({ outcome }) => outcome !== 'safe' && outcome !== 'blocked')).toEqual([]);
  expect(report).toMatchObject({ passed: true, skipped: [] });
  expect(report.findings).toHaveLength(LEAK_DOORS.flatMap(({ attacks }) => attacks).length);
  const apart = report.findings.filter(
    ({ door, shared_connection }) => door.startsWith('app') && !shared_connection,
  );
  expect(apart.map(({ attack }) => attack)).toEqual(['aborted transaction', 'open transaction']);
  expect(report.findings.find(({ door }) => door === 'readonly_login')?.outcome).toBe('blocked');
  expect(await leftovers()).toEqual([]);
  expect(await query(tenant.connection_string, 'SELECT slug FROM tenants')).toEqual([{ slug: tenant.slug }]);
  const kept = await api.get<{ result: Report }[]>('/api/operations?kind=host.leak_test&limit=1');
  expect(kept.data[0]?.result).toEqual(report);
});

/** Sets role and path for the session, once, as an application without transactions would. */
const plainSession: LeakDoor = {
  name: 'plain_session',
  login: 'app',
  attacks: [nothing()],
  try: async (stage, attack) => {
    const become = (name: string) => `SET ROLE ${name}; SET search_path = ${name}`;
    const [a, b] = [await enter(stage, appOf(stage)), await enter(stage, appOf(stage))];
    await b.query(become(stage.pair.b));
    await a.query(become(stage.pair.a));
    const tried = await intrude(attack, stage, asking(a));
    await a.end();
    const looked = await look(attack, stage, asking(b));
    await b.end();
    return { ...tried, ...looked };
  },
};

/** A transaction as the helper begins it, but for what clears the connection. */
const bareTransaction: LeakDoor = {
  name: 'bare_transaction',
  login: 'app',
  attacks: LEFTOVERS.filter(({ name }) => name === 'cursor WITH HOLD' || name === 'LISTEN'),
  try: async (stage, attack) => {
    const begin = (name: string) => `BEGIN; SET LOCAL ROLE ${name}; SET LOCAL search_path = ${name}`;
    const [a, b] = [await enter(stage, appOf(stage)), await enter(stage, appOf(stage))];
    const heard = hear(b);
    await a.query(begin(stage.pair.a));
    const tried = await intrude(attack, stage, asking(a));
    await a.query('COMMIT');
    await a.end();
    await b.query(begin(stage.pair.b));
    const looked = await look(attack, stage, async (sql) => {
      await b.query('SAVEPOINT look');
      return asking(b)(sql).catch((error: unknown) =>
        b.query('ROLLBACK TO look').then(() => Promise.reject(error)),
      );
    });
    await b.query('COMMIT');
    await b.end();
    return { ...tried, ...looked, seenByB: [...looked.seenByB, ...heard] };
  },
};

function nothing(): LeakAttack {
  return { name: 'nothing', statements: () => ['SELECT 1'], peeks: [], leavesOpen: false, notifies: false };
}

test('the test can fail: doors that leak are found out', async () => {
  const { stage, close } = await openStage();
  try {
    const report = await tryAll([plainSession, bareTransaction], stage, AbortSignal.timeout(30_000));

    expect(report.passed).toBe(false);
    expect(
      report.findings.map(({ attack, outcome, sharedConnection }) => [attack, outcome, sharedConnection]),
    ).toEqual([
      ['nothing', 'leak', true],
      ['cursor WITH HOLD', 'leak', true],
      ['LISTEN', 'leak', true],
    ]);
  } finally {
    await close();
  }
});

test('a test that begins again makes its tenants anew', async () => {
  const { stage, close } = await openStage();
  const parts = inside();
  try {
    const [probe] = await parts.store.list(database.id);
    const again = probe && (await parts.tests.prepare(parts.server, probe));

    expect(again?.pair).toEqual(stage.pair);
    expect(again?.notes).not.toEqual(stage.notes);
    const doors = LEAK_DOORS.filter(({ name }) => name === 'readonly_login');
    expect(again && (await tryAll(doors, again, AbortSignal.timeout(30_000))).passed).toBe(true);
  } finally {
    await close();
  }
});

test('the alias has one server connection, whoever comes', async () => {
  const { stage, close } = await openStage();
  try {
    const alias = String(stage.pooled.database);
    const [row] = (await pooler.query('SHOW DATABASES')).filter(({ name }) => name === alias);

    expect(row).toMatchObject({ database: database.database_name, pool_size: 1, max_connections: 1 });
    const { findings } = await inside().reconciler.report(inside().server);
    expect(findings.filter(({ name }) => name.startsWith('leak_'))).toEqual([]);
  } finally {
    await close();
  }
});

test('a test that is cancelled is cleared up, with what others before it left behind', async () => {
  await openStage();
  expect(await leftovers()).not.toEqual([]);
  const { data } = (await runTest(database.id, { prefer: 'respond-async' })).expect(202);
  const { id } = data as unknown as { id: string };
  await until('the test has begun', async () => {
    const [row] = await control.query('SELECT step FROM operations WHERE id = $1', [id]);
    return row?.step === 'test';
  });
  expect((await runTest()).expect(409).problem.code).toBe('RESOURCE_BUSY');

  (await api.post(`/api/operations/${id}/cancel`, {})).expect(202);

  await until('nothing is left', async () => (await leftovers()).length === 0, { timeoutMs: 30_000 });
  const [row] = await control.query('SELECT state FROM operations WHERE id = $1', [id]);
  expect(row?.state).toBe('cancelled');
});

function unfinished() {
  return control.query(
    "SELECT id FROM operations WHERE subject_id = $1 AND state IN ('pending', 'running')",
    [database.id],
  );
}

test('says which doors it could not try', async () => {
  await until('the last test is cleared up', async () => (await unfinished()).length === 0);
  await control.query('UPDATE hosts SET app_ciphertext = NULL WHERE database_id = $1', [database.id]);

  const { data: report } = (await runTest()).expect(200);

  expect(report.skipped.map(({ door }) => door)).toEqual(['app_with_tenant', 'app_session']);
  expect(report.skipped[0]?.reason).toContain('ENCRYPTION_KEY');
});

test('refuses what is no host', async () => {
  const plain = await createDatabase(world);

  expect((await runTest(plain.id)).expect(404).problem.detail).toContain('no tenant host');
  expect((await runTest(newId())).expect(404).problem.code).toBe('NOT_FOUND');
});
