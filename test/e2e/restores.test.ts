import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runClient } from '../support/pg-dump.js';
import { query } from '../support/sql.js';
import { addVersion, createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

interface Report {
  findings: { kind: string; name: string; detail: string; repair: string }[];
}

const FILES = [
  {
    name: '01_tables.sql',
    sql: `CREATE TYPE mood AS ENUM ('fine');
          CREATE TABLE items (id bigserial PRIMARY KEY, name text NOT NULL, mood mood);
          CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
          CREATE TABLE events_2026_01 PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
          CREATE VIEW names AS SELECT name FROM items;
          CREATE FUNCTION double(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
          CREATE FUNCTION triple(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 3';`,
  },
];

const world = await startWorld();
const { api, control } = world;
const [server] = await control.query<{ id: string }>('SELECT id FROM servers');

async function makeTenant() {
  const template = await createTemplate(world, FILES);
  const tenant = await createTenant(world, { templateId: template.id, isolation: 'database' });
  await query(tenant.connection_string, "INSERT INTO items (name) VALUES ('kept')");
  return { template, tenant };
}

async function restore({ connection_string: string }: NewTenant): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rowhouse-restore-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'own.dump');
  await runClient('pg_dump', string, ['-Fc', '-f', file]);
  const { pathname } = new URL(string);
  await runClient('pg_restore', string, [
    '--clean',
    '--if-exists',
    '--no-owner',
    '-d',
    pathname.slice(1),
    file,
  ]);
}

async function reconcile({ database_name }: NewTenant, fields: object = {}): Promise<Report['findings']> {
  const { data } = (await api.post<Report>(`/api/servers/${server?.id}/reconcile`, fields)).expect(200);
  return data.findings.filter(({ name }) => name === database_name);
}

function kindsOf(findings: Report['findings']): string[] {
  return findings.map(({ kind, repair }) => `${kind} ${repair}`);
}

test('a restore with --no-owner is found, said wherever it hinders, and repaired', async () => {
  const { template, tenant } = await makeTenant();
  const path = `/api/tenants/${tenant.id}`;
  const reader = await api.post<{ connection_string: string }>(`${path}/roles`, {
    name: 'r',
    access: 'readonly',
  });
  expect(await reconcile(tenant)).toEqual([]);
  await restore(tenant);
  await query(
    tenant.connection_string,
    `CREATE TABLE own (id int); CREATE FUNCTION shared.planted() RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE OR REPLACE FUNCTION triple(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 33'`,
  );

  const refused = await api.post(`${path}/clone`, { slug: `copy-${tenant.slug}`, withData: true });
  expect(refused.expect(409).problem.detail).toContain('--no-owner');
  const drift = await api.get<{ unchecked_hosts: { reason: string }[] }>(
    `/api/templates/${template.id}/drift`,
  );
  expect(drift.data.unchecked_hosts[0]?.reason).toContain('--no-owner');
  expect(kindsOf(await reconcile(tenant))).toEqual([
    'shared_owner_changed needed',
    'template_owner_changed needed',
    'shared_has_others none',
    'template_object_missing none',
  ]);

  await reconcile(tenant, { repair: true });

  expect(kindsOf(await reconcile(tenant))).toEqual([
    'shared_has_others none',
    'template_object_missing none',
  ]);
  const owners = await query(
    tenant.connection_string,
    `SELECT c.relname AS name, c.relowner::regrole::text AS owner FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') ORDER BY 1`,
  );
  const provisioner = `${tenant.database_name}_provisioner`;
  expect(owners).toEqual([
    ...['events', 'events_2026_01', 'items', 'names'].map((name) => ({ name, owner: provisioner })),
    { name: 'own', owner: tenant.username },
  ]);
  const functions = await query(
    tenant.connection_string,
    `SELECT p.proname AS name, p.proowner::regrole::text = '${provisioner}' AS ours FROM pg_proc p
     WHERE p.proname IN ('double', 'triple', 'planted') ORDER BY 1`,
  );
  expect(functions).toEqual([
    { name: 'double', ours: true },
    { name: 'planted', ours: false },
    { name: 'triple', ours: false },
  ]);
  await query(
    tenant.connection_string,
    "CREATE OR REPLACE FUNCTION triple(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 3'; DROP FUNCTION shared.planted(); DROP TABLE own",
  );
  await reconcile(tenant, { repair: true });
  expect(await reconcile(tenant)).toEqual([]);

  await addVersion(world, template, 'ALTER TABLE items ADD COLUMN note text');
  const migration = await api.post<{ state: string }>('/api/migrations', { templateId: template.id });
  expect(migration.status).toBeLessThan(300);
  expect(await query(reader.data.connection_string, 'SELECT name, note FROM items')).toEqual([
    { name: 'kept', note: null },
  ]);
  expect(await runClient('pg_dump', reader.data.connection_string)).toContain('COPY shared.users');
  const after = await api.get<{ summary: object }>(`/api/templates/${template.id}/drift`);
  expect(after.data.summary).toMatchObject({ tenants: 1, matching: 1 });
  (await api.post(`${path}/clone`, { slug: `copy-${tenant.slug}`, withData: true })).expect(201);
});

test('migrations and partition runs say what to do about it', async () => {
  const { template, tenant } = await makeTenant();
  const policy = { templateId: template.id, table: 'events', interval: 'month', premake: 1, enabled: false };
  const { data } = (await api.post<{ id: string }>('/api/partition-policies', policy)).expect(201);
  await restore(tenant);

  const run = await api.post(`/api/partition-policies/${data.id}/run`);
  await addVersion(world, template, 'ALTER TABLE items ADD COLUMN note text');
  const migration = await api.post<{ id: string }>('/api/migrations', { templateId: template.id });
  const tenants = await api.get(`/api/migrations/${migration.data.id}/tenants`);

  for (const answer of [run, tenants]) expect(JSON.stringify(answer.data)).toContain('--no-owner');
});

test('the repair writes the functions of shared anew', async () => {
  const { tenant } = await makeTenant();
  await restore(tenant);
  const body = "SELECT 'postgres'::name";
  await query(
    tenant.connection_string,
    `CREATE OR REPLACE FUNCTION shared.host_role(suffix text) RETURNS name LANGUAGE sql SECURITY DEFINER AS $$${body}$$`,
  );

  await reconcile(tenant, { repair: true });

  const [found] = await query(
    tenant.connection_string,
    "SELECT prosrc, prosecdef FROM pg_proc WHERE oid = 'shared.host_role(text)'::regprocedure",
  );
  expect(found).toMatchObject({ prosrc: expect.stringContaining('current_database()'), prosecdef: false });
});

test.each([
  ['DROP SCHEMA shared CASCADE', 'shared_missing none'],
  ['DROP TABLE items CASCADE', 'template_object_missing none'],
  ['ALTER SCHEMA public RENAME TO mine', 'public_replaced none'],
])('%s is reported', async (sql, expected) => {
  const { tenant } = await makeTenant();

  await query(tenant.connection_string, sql);

  expect(kindsOf(await reconcile(tenant, { repair: true }))).toContain(expected);
  expect(kindsOf(await reconcile(tenant))).toContain(expected);
});

test.each([
  [
    'a table’s other owner',
    (t: NewTenant) => `ALTER TABLE items OWNER TO ${t.username}`,
    'template_owner_changed',
  ],
  [
    'another owner of shared',
    (t: NewTenant) => `ALTER SCHEMA shared OWNER TO ${t.username}`,
    'shared_owner_changed',
  ],
  [
    'a REVOKE on public',
    (t: NewTenant) => `REVOKE ALL ON SCHEMA public FROM ${t.database_name}_provisioner, PUBLIC`,
    'provisioner_grants_drifted',
  ],
  [
    'a REVOKE on the database',
    (t: NewTenant) => `REVOKE ALL ON DATABASE ${t.database_name} FROM ${t.database_name}_provisioner`,
    'provisioner_grants_drifted',
  ],
])('%s is reported and repaired', async (_, sqlOf, kind) => {
  const { tenant } = await makeTenant();
  await query(tenant.connection_string, sqlOf(tenant));
  expect(kindsOf(await reconcile(tenant))).toEqual([`${kind} needed`]);

  expect(kindsOf(await reconcile(tenant, { repair: true }))).toEqual([`${kind} done`]);

  expect(await reconcile(tenant)).toEqual([]);
});
