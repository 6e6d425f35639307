import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createApp } from '../../src/bootstrap.js';
import { PartitionSchedule } from '../../src/modules/partitions/partition-schedule.js';
import type { ApiResponse } from '../support/api-response.js';
import { InProcessApp } from '../support/app.js';
import { createDatabase } from '../support/databases.js';
import { Session } from '../support/session.js';
import { query, withClient } from '../support/sql.js';
import { createHost, createTemplate, createTenant, type Tenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

interface Policy {
  id: string;
  template_id: string | null;
  database_id: string | null;
  table: string;
  interval: string;
  premake: number;
  retention_months: number | null;
  on_retention: string;
  time_zone: string;
  enabled: boolean;
  next_run_at: string | null;
  last_run_at: string | null;
  last_report: {
    operation_id: string;
    totals: Totals;
    failures: { slug: string; sql_state: string }[];
  } | null;
}

interface Totals {
  databases: number;
  tenants: number;
  created: number;
  failed: number;
}

interface Report {
  dry_run: boolean;
  totals: Totals;
  databases: {
    changes: { tenant_id: string | null; created: string[]; failures: { sql_state: string }[] }[];
  }[];
}

const LEDGER = `
  CREATE TABLE movements (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, quantity integer,
    PRIMARY KEY (id, at)) PARTITION BY RANGE (at);`;

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;
const template = await createTemplate(world, [
  { name: '01_movements.sql', sql: LEDGER },
  { name: '02_other.sql', sql: 'CREATE TABLE unpartitioned (id bigint PRIMARY KEY)' },
]);
const { database: host } = await createHost(world);

const makeTenant = (fields: object = {}) =>
  createTenant(world, { templateId: template.id, databaseId: host.id, ...fields });

/** A policy that runs only when it is told to. */
async function createPolicy(fields: object): Promise<Policy> {
  const body = { table: 'movements', interval: 'month', enabled: false, ...fields };
  return (await api.post<Policy>('/api/partition-policies', body)).expect(201).data;
}

async function withPolicy<T>(fields: object, work: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await createPolicy(fields);
  try {
    return await work(policy);
  } finally {
    (await api.delete(`/api/partition-policies/${policy.id}`)).expect(200);
  }
}

function run({ id }: Policy, body: object = {}): Promise<ApiResponse<Report>> {
  return api.post<Report>(`/api/partition-policies/${id}/run`, body);
}

function refused(body: object): Promise<ApiResponse<Policy>> {
  return api.post<Policy>('/api/partition-policies', body);
}

/** As superuser in the tenant's database. */
async function inDatabaseOf<T>(
  { database_name }: Pick<Tenant, 'database_name'>,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { host: address, port, adminUser: user, adminPassword: password } = world.config.server;
  const session = new Session({ host: address, port, user, password, database: database_name });
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

async function partitionsOf(tenant: Tenant): Promise<string[]> {
  const rows = await inDatabaseOf(tenant, (session) =>
    session.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = $1::regclass ORDER BY 1`,
      [`${tenant.schema_name}.movements`],
    ),
  );
  return rows.map(({ name }) => name);
}

/** The first of the month that many months from now, in UTC. */
function month(ahead: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
}

const nameOf = (date: Date) => `movements_${date.toISOString().slice(0, 7).replace('-', '_')}`;

describe('a policy', () => {
  test('is made with defaults, read, listed, changed and deleted', async () => {
    const made = await createPolicy({
      templateId: template.id,
      enabled: undefined,
      timeZone: 'europe/BERLIN',
    });
    expect(made).toMatchObject({
      template_id: template.id,
      database_id: null,
      table: 'movements',
      interval: 'month',
      premake: 3,
      retention_months: null,
      on_retention: 'detach',
      time_zone: 'Europe/Berlin',
      enabled: true,
      last_report: null,
    });

    const listed = await api.get<Policy[]>(`/api/partition-policies?templateId=${template.id}`);
    expect(listed.expect(200).data.map(({ id }) => id)).toEqual([made.id]);

    const path = `/api/partition-policies/${made.id}`;
    const changes = { retentionMonths: 24, onRetention: 'drop', interval: 'week', enabled: false };
    const changed = (await api.patch<Policy>(path, changes)).expect(200).data;
    expect(changed).toMatchObject({
      retention_months: 24,
      on_retention: 'drop',
      interval: 'week',
      premake: 3,
    });
    expect(changed.next_run_at).toBeNull();
    const kept = (await api.patch<Policy>(path, { retentionMonths: null })).expect(200).data;
    expect(kept).toMatchObject({ retention_months: null, on_retention: 'drop' });
    expect((await api.get<Policy>(path)).expect(200).data).toMatchObject({
      id: made.id,
      retention_months: null,
      on_retention: 'drop',
    });

    (await api.delete(path)).expect(200);
    (await api.get(path)).expect(404);
    (await api.delete(path)).expect(404);
    (await api.patch(path, {})).expect(404);
    (await api.post(`${path}/run`, {})).expect(404);
  });

  test('is refused with every bad field named', async () => {
    const answer = await refused({
      templateId: template.id,
      databaseId: host.id,
      table: 'x'.repeat(64),
      interval: 'year',
      premake: 367,
      retentionMonths: 0,
      onRetention: 'forget',
      enabled: 'yes',
    });

    expect(answer.status).toBe(400);
    expect(answer.badFields.sort()).toEqual(
      ['enabled', 'interval', 'onRetention', 'premake', 'retentionMonths', 'table', 'templateId'].sort(),
    );
  });

  test.each([
    ['neither a template nor a database', {}, ['templateId']],
    ['a zone that is none', { templateId: template.id, timeZone: 'Mars/Olympus' }, ['timeZone']],
    ['an offset for a zone', { templateId: template.id, timeZone: '+01:00' }, ['timeZone']],
    ['a zone that PostgreSQL takes for another', { templateId: template.id, timeZone: 'IST' }, ['timeZone']],
    ['no table name', { templateId: template.id, table: '' }, ['table']],
    ['a table that is not partitioned', { templateId: template.id, table: 'unpartitioned' }, ['table']],
    ['a table that is not there', { templateId: template.id, table: 'nonesuch' }, ['table']],
  ])('is refused with %s', async (_, fields, bad) => {
    const answer = await refused({ table: 'movements', interval: 'month', ...fields });

    expect(answer.status).toBe(400);
    expect(answer.badFields).toEqual(bad);
  });

  test('needs a template or a database that is there, and a database that hosts tenants', async () => {
    const plain = await createDatabase(world);
    const body = { table: 'movements', interval: 'month' };

    (await refused({ ...body, templateId: randomUUID() })).expect(404);
    (await refused({ ...body, databaseId: randomUUID() })).expect(404);
    const answer = (await refused({ ...body, databaseId: plain.id })).expect(409);
    expect(answer.problem.detail).toContain('POST /api/databases/:id/host');
    expect(answer.badFields).toEqual(['databaseId']);
  });

  test('is the only one of its table', async () => {
    await withPolicy({ templateId: template.id }, async () => {
      const answer = await refused({ templateId: template.id, table: 'movements', interval: 'day' });

      expect(answer.status).toBe(409);
      expect(answer.problem.code).toBe('CONFLICT');
      expect(answer.badFields).toEqual(['table']);
    });
  });
});

describe('a run', () => {
  test('tells, then makes what all tenants lack, so that their rows find a partition', async () => {
    const schema = await makeTenant();
    const own = await makeTenant({ isolation: 'database', databaseId: undefined });
    const suspended = await makeTenant();
    (await api.post(`/api/tenants/${suspended.id}/suspend`)).expect(200);
    await withPolicy({ templateId: template.id, premake: 2 }, async (policy) => {
      const expected = [0, 1, 2].map((ahead) => nameOf(month(ahead)));

      const dry = (await run(policy, { dryRun: true })).expect(200).data;
      expect(dry).toMatchObject({
        dry_run: true,
        totals: { databases: 2, tenants: 3, created: 9, failed: 0 },
      });
      expect(await partitionsOf(schema)).toEqual([]);

      const report = (await run(policy)).expect(200).data;
      expect(report).toMatchObject({ dry_run: false, totals: { created: 9, failed: 0 } });
      const changes = report.databases.flatMap((one) => one.changes);
      expect(changes.map(({ tenant_id }) => tenant_id).sort()).toEqual(
        [schema.id, own.id, suspended.id].sort(),
      );
      for (const tenant of [schema, own, suspended]) expect(await partitionsOf(tenant)).toEqual(expected);

      const last = new Date(month(3).getTime() - 1);
      const insert =
        'INSERT INTO movements (at, quantity) VALUES ($1, 1) RETURNING tableoid::regclass::text AS partition';
      for (const tenant of [schema, own]) {
        expect(await query(tenant.connection_string_pooled, insert, [last])).toEqual([
          { partition: nameOf(month(2)) },
        ]);
      }
      const seen = (await api.get<Policy>(`/api/partition-policies/${policy.id}`)).expect(200).data;
      expect(seen.last_report).toMatchObject({ totals: { created: 9 }, failures: [] });
      expect((await run(policy)).expect(200).data.totals.created).toBe(0);
    });
  });

  test('of a database’s policy passes over tenants without the table', async () => {
    const other = await createHost(world);
    const withTable = await makeTenant({ databaseId: other.database.id });
    await createTenant(world, { databaseId: other.database.id });

    await withPolicy({ databaseId: other.database.id, premake: 1 }, async (policy) => {
      const report = (await run(policy)).expect(200).data;

      expect(report.totals).toMatchObject({ databases: 1, tenants: 2, created: 2, failed: 0 });
      expect(await partitionsOf(withTable)).toHaveLength(2);
    });
  });

  test('names the tenant whose table is gone, serves the others, and comes again within the hour', async () => {
    const broken = await makeTenant();
    const good = await makeTenant();
    await inDatabaseOf(broken, (session) => session.query(`DROP TABLE ${broken.schema_name}.movements`));

    await withPolicy({ templateId: template.id, premake: 1 }, async (policy) => {
      const report = (await run(policy)).expect(200).data;

      const change = report.databases
        .flatMap((one) => one.changes)
        .find(({ tenant_id }) => tenant_id === broken.id);
      expect(change?.failures).toMatchObject([{ sql_state: '42P01' }]);
      expect(await partitionsOf(good)).toHaveLength(2);
      const after = (await api.get<Policy>(`/api/partition-policies/${policy.id}`)).expect(200).data;
      expect(after.last_report?.failures).toMatchObject([{ slug: broken.slug, sql_state: '42P01' }]);
      const [next] = await world.control.query<{ minutes: number }>(
        'SELECT extract(epoch FROM next_run_at - now())::float8 / 60 AS minutes FROM partition_policies WHERE id = $1',
        [policy.id],
      );
      expect(next?.minutes).toBeGreaterThan(50);
      expect(next?.minutes).toBeLessThan(61);
    });
    await makeTable(broken);
  });

  test('that waits for a locked table is the only one of its policy, and ends well when the lock is gone', async () => {
    const busy = await makeTenant();

    await withPolicy({ templateId: template.id, premake: 1 }, async (policy) => {
      const path = `/api/partition-policies/${policy.id}/run`;
      const accepted = await withLock(busy, async () => {
        const answer = (await api.post<{ id: string }>(path, {}, { prefer: 'respond-async' })).expect(202);
        const second = await api.post(path, {});
        expect(second.status).toBe(409);
        expect(second.problem.code).toBe('RESOURCE_BUSY');
        return answer;
      });

      const ended = await until('the run has ended', async () => {
        const answer = await api.get<{ state: string; result: Report }>(
          `/api/operations/${accepted.data.id}`,
        );
        return ['succeeded', 'failed'].includes(answer.data.state) && answer.data;
      });
      expect(ended).toMatchObject({ state: 'succeeded', result: { totals: { failed: 0 } } });
      expect(await partitionsOf(busy)).toHaveLength(2);
    });
  });
});

describe('the schedule', () => {
  test('runs a due policy once, however many processes look at the same moment', async () => {
    const tenant = await makeTenant();
    const another = await createApp(world.config);
    try {
      const policy = await createPolicy({ templateId: template.id, premake: 1, enabled: true });
      const processes = [
        (world.app as InProcessApp).nest,
        another,
        (world.app as InProcessApp).nest,
        another,
      ];

      await Promise.all(processes.map((app) => app.get(PartitionSchedule).enqueueDue()));
      const seen = await until('the policy has run', async () => {
        const { data } = await api.get<Policy>(`/api/partition-policies/${policy.id}`);
        return data.last_report === null ? null : data;
      });
      await Promise.all(processes.map((app) => app.get(PartitionSchedule).enqueueDue()));

      const operations = await world.control.query('SELECT actor FROM operations WHERE subject_id = $1', [
        policy.id,
      ]);
      expect(operations).toEqual([
        { actor: expect.objectContaining({ type: 'system', name: 'partitions' }) },
      ]);
      expect(await partitionsOf(tenant)).toHaveLength(2);
      expect(Date.parse(String(seen.next_run_at))).toBeGreaterThan(Date.now());
      const audited = await world.control.query(
        `SELECT actor_type, outcome FROM audit_logs WHERE resource_id = $1 AND action = 'partition_policy.run'`,
        [policy.id],
      );
      expect(audited).toEqual([{ actor_type: 'system', outcome: 'accepted' }]);
      (await api.delete(`/api/partition-policies/${policy.id}`)).expect(200);
    } finally {
      await another.close();
    }
  });

  test('does not leave a new tenant waiting for a day', async () => {
    const policy = await createPolicy({ templateId: template.id, premake: 1, enabled: true });
    const { nest } = world.app as InProcessApp;
    const restFor = (minutes: number) =>
      world.control.query(
        `UPDATE partition_policies SET next_run_at = now() + interval '1 day',
           last_run_at = now() - make_interval(mins => $2) WHERE id = $1`,
        [policy.id, minutes],
      );
    const countRuns = async () => {
      await nest.get(PartitionSchedule).enqueueDue();
      const sql = 'SELECT FROM operations WHERE subject_id = $1';
      return (await world.control.query(sql, [policy.id])).length;
    };
    await nest.get(PartitionSchedule).enqueueDue();
    await until('the first run has ended', async () => {
      return (await api.get<Policy>(`/api/partition-policies/${policy.id}`)).data.last_report;
    });

    await world.control.query(`UPDATE tenants SET created_at = now() - interval '1 hour'`);
    await restFor(30);
    expect(await countRuns(), 'no new tenant').toBe(1);
    await restFor(2);
    const tenant = await makeTenant();
    expect(await countRuns(), 'not rested').toBe(1);
    await restFor(10);
    expect(await countRuns()).toBe(2);

    await until('it has its partitions', async () => (await partitionsOf(tenant)).length === 2);
    expect(await countRuns()).toBe(2);
    (await api.delete(`/api/partition-policies/${policy.id}`)).expect(200);
  });

  test('leaves a policy alone that is not enabled', async () => {
    await withPolicy({ templateId: template.id }, async (policy) => {
      await (world.app as InProcessApp).nest.get(PartitionSchedule).enqueueDue();

      expect(await world.control.query('SELECT FROM operations WHERE subject_id = $1', [policy.id])).toEqual(
        [],
      );
    });
  });
});

async function makeTable(tenant: Tenant): Promise<void> {
  const provisioner = `${tenant.database_name}_provisioner`;
  await inDatabaseOf(tenant, (session) =>
    session.query(
      `SET ROLE ${provisioner}; SET search_path = ${tenant.schema_name}; ${LEDGER} RESET ROLE; RESET search_path`,
    ),
  );
}

/** Does the work while somebody holds an exclusive lock on the tenant's table. */
function withLock<T>(tenant: Tenant, work: () => Promise<T>): Promise<T> {
  const { host: address, port, adminUser, adminPassword } = world.config.server;
  const url = `postgresql://${adminUser}:${adminPassword}@${address}:${port}/${tenant.database_name}`;
  return withClient(url, async (client) => {
    await client.query(`BEGIN; LOCK TABLE ${tenant.schema_name}.movements IN ACCESS EXCLUSIVE MODE`);
    return work();
  });
}
