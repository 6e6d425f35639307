import { rmSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createDatabase, type Database, deleteDatabase, type NewDatabase } from '../support/databases.js';
import { untilNothingIsLeft } from '../support/leftovers.js';
import { errorCodeOf, loginError, query } from '../support/sql.js';
import { createTestDirectory } from '../support/stack.js';
import {
  addVersion,
  createHost,
  createTemplate,
  createTenant,
  deleteTenant,
  type NewTenant,
  posFiles,
  type Template,
} from '../support/tenancy.js';
import { openWorld, type World } from '../support/world.js';
import { installPostgres, VERSIONS } from './postgres-binaries.js';

const directory = createTestDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each(VERSIONS)('creates, uses and drops databases and tenants on PostgreSQL %s', async (version) => {
  const world = await openWorld({ postgresBinDir: await installPostgres(version, directory) });
  onTestFinished(() => world.stop());

  const [server] = await world.server.query<{ major: number }>(
    "SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS major",
  );
  expect(server?.major).toBe(Number.parseInt(version, 10));

  const database = await createDatabase(world);
  await query(database.connection_string, 'CREATE TABLE notes (body text)');
  await query(database.connection_string_pooled, "INSERT INTO notes VALUES ('kept')");
  expect(await query(database.connection_string_pooled, 'SELECT body FROM notes')).toEqual([
    { body: 'kept' },
  ]);

  await useOwners(world, database);
  await deleteDatabase(world, database);
  expect(await loginError(database.connection_string)).not.toBeNull();
  expect(await loginError(database.connection_string_pooled)).not.toBeNull();
  await untilNothingIsLeft(world);
  await useTenants(world);
});

/** Whoever acts as an owner may do nothing as itself: since PostgreSQL 16 its membership says whether it inherits. */
async function useOwners({ api }: World, { id }: Database): Promise<void> {
  const path = `/api/databases/${id}`;
  const body = { name: 'temp', access: 'owner' };
  const owner = (await api.post<NewDatabase>(`${path}/roles`, body)).expect(201).data;
  const rotation = await api.post<NewDatabase>(`${path}/rotate-credentials`, { graceSeconds: 600 });
  for (const { connection_string } of [owner, rotation.expect(200).data]) {
    await query(connection_string, 'CREATE TABLE made (id int); DROP TABLE made');
    const alone = query(connection_string, 'SET ROLE NONE; CREATE TABLE public.made (id int)');
    expect(await errorCodeOf(alone)).toBe('42501');
  }
}

/** Roles have other membership options since PostgreSQL 16, and the doors to tenants rest on them. */
async function useTenants(world: World): Promise<void> {
  const template = await createTemplate(world, posFiles(), 'pos');
  const { database, host } = await createHost(world);
  const [a, b, own] = [
    await createTenant(world, { templateId: template.id, databaseId: database.id }),
    await createTenant(world, { templateId: template.id, databaseId: database.id }),
    await createTenant(world, { templateId: template.id, isolation: 'database' }),
  ];
  for (const tenant of [a, b, own]) {
    const insert = `INSERT INTO products (sku, name) VALUES ('1', '${tenant.slug}')`;
    await query(tenant.connection_string_pooled, insert);
    expect(await query(tenant.connection_string_pooled, 'SELECT name FROM products')).toEqual([
      { name: tenant.slug },
    ]);
    expect(await query(tenant.connection_string, 'SELECT slug FROM tenants')).toEqual([
      { slug: tenant.slug },
    ]);
  }
  const foreign = `SELECT name FROM ${a.schema_name}.products`;
  expect(await errorCodeOf(query(b.connection_string, foreign))).toBe('42501');
  expect(await errorCodeOf(query(b.connection_string, `SET ROLE ${a.schema_name}`))).toBe('42501');
  expect(await errorCodeOf(query(host.app.connection_string, foreign))).toBe('42501');
  expect(await query(host.readonly.connection_string, foreign)).toEqual([{ name: a.slug }]);
  await query(
    host.app.connection_string_pooled,
    `BEGIN; SET LOCAL ROLE ${a.schema_name}; ${foreign}; COMMIT`,
  );
  const clones = await cloneKept(world, template, [a, own]);
  for (const tenant of [a, b, own, ...clones]) await deleteTenant(world, tenant);
  (await world.api.delete(`/api/databases/${database.id}`)).expect(200);
}

/** Clones with rows, after a policy has made partitions and detached one. */
async function cloneKept(
  world: World,
  { id: templateId }: Template,
  sources: readonly NewTenant[],
): Promise<NewTenant[]> {
  const old = `CREATE TABLE inventory_transactions_old PARTITION OF inventory_transactions
    FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')`;
  const { api } = world;
  await addVersion(world, { id: templateId }, old);
  (await api.post('/api/migrations', { templateId })).expect(201);
  const policy = { templateId, table: 'inventory_transactions', interval: 'month', retentionMonths: 12 };
  const { id } = (await api.post<{ id: string }>('/api/partition-policies', policy)).expect(201).data;
  (await api.post(`/api/partition-policies/${id}/run`, {})).expect(200);
  const clones: NewTenant[] = [];
  for (const source of sources) {
    const body = { slug: `clone-of-${source.slug}`, withData: true };
    const clone = (await api.post<NewTenant>(`/api/tenants/${source.id}/clone`, body)).expect(201).data;
    expect(await query(clone.connection_string, 'SELECT name FROM products')).toEqual([
      { name: source.slug },
    ]);
    expect(await query(clone.connection_string, 'TABLE inventory_transactions_old')).toEqual([]);
    clones.push(clone);
  }
  const { data } = await api.get<{ summary: object }>(`/api/templates/${templateId}/drift`);
  expect(data.summary).toMatchObject({ drifted: 0, unchecked: 0 });
  return clones;
}
