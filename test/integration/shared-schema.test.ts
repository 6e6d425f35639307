import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { sharedSchema } from '../../src/provisioning/tenancy/hosts/shared-schema.js';
import { errorCodeOf } from '../support/sql.js';
import { until } from '../support/until.js';
import {
  type FileOfTemplate,
  type HostingDatabase,
  nextTenantName,
  rows,
  startHosting,
} from './hosting-database.js';

const TEMPLATE = randomUUID();
const SHOP: FileOfTemplate[] = [
  {
    name: '01_products.sql',
    kind: 'schema',
    sql: 'CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);',
  },
  { name: '90_seed.sql', kind: 'seed', sql: "INSERT INTO products (name) VALUES ('sample');" },
];
/** The first version's seeds cannot run after it. */
const RENAMED: FileOfTemplate[] = [
  {
    name: '01_title.sql',
    kind: 'schema',
    sql: 'ALTER TABLE products RENAME name TO title; UPDATE products SET title = upper(title);',
  },
];

const makeHost = await startHosting();
const bystander = await makeShop();

async function makeShop(...laterVersions: FileOfTemplate[][]): Promise<HostingDatabase> {
  const host = await makeHost();
  await host.addTemplate(TEMPLATE, 'shop', [SHOP, ...laterVersions]);
  return host;
}

/** `rest`: the template's id, the newest version to run, whether to run seeds. */
function provision(client: Client, name: string | null, ...rest: unknown[]): Promise<unknown> {
  const places = rest.map((_, index) => `, $${index + 3}`).join('');
  const sql = `SELECT shared.provision_tenant_schema($1, $2${places})`;
  return client.query(sql, [randomUUID(), name, ...rest]);
}

function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable('it was not refused'),
    (error: unknown) => error,
  );
}

test('provisions a tenant from psql: schema, tables, seeds, ledger, registry and grants', async () => {
  const host = await makeShop();

  const name = await host.createTenant();

  const tenant = await host.connect(name);
  expect(await rows(tenant, 'SELECT name FROM products')).toEqual([{ name: 'sample' }]);
  expect(await rows(tenant, 'SELECT slug, name, schema_name, status, template_id FROM tenants')).toEqual([
    { slug: name, name, schema_name: name, status: 'active', template_id: TEMPLATE },
  ]);
  const dba = await host.connect('dba');
  const ledger = 'SELECT schema_name, version, checksum, state FROM shared.schema_versions';
  expect(await rows(dba, ledger)).toEqual([
    { schema_name: name, version: 1, checksum: 'checksum 1', state: 'applied' },
  ]);
  const owner = `SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = '${name}'`;
  expect(await rows(dba, owner)).toEqual([{ owner: `${host.name}_provisioner` }]);
});

test.each([
  ['Tenant_1', '42602'],
  ['tenant"1', '42602'],
  ['tenant 1; DROP SCHEMA shared', '42602'],
  ['1tenant', '42602'],
  ['tenant_1\n', '42602'],
  ['tenänt', '42602'],
  ['', '42602'],
  ['t'.repeat(64), '42602'],
  ['pg_tenant', '42939'],
  ['public', '42939'],
  ['shared', '42939'],
  ['information_schema', '42939'],
  [null, '22004'],
])('refuses the schema name %j', async (name, code) => {
  const dba = await bystander.connect('dba');

  expect(await errorCodeOf(provision(dba, name))).toBe(code);

  expect(await rows(dba, 'SELECT * FROM shared.tenants')).toEqual([]);
});

test('refuses an existing schema by name, and an id that is registered, and changes nothing', async () => {
  const host = await makeShop();
  const name = await host.createTenant();
  const dba = await host.connect('dba');
  const [tenant] = await rows(dba, 'SELECT id FROM shared.tenants');

  expect(await refusal(provision(dba, name))).toMatchObject({
    code: '42P06',
    message: `schema "${name}" already exists`,
  });
  const again = dba.query("SELECT shared.provision_tenant_schema($1, 'another')", [tenant?.id]);
  expect(await refusal(again)).toMatchObject({
    code: '23505',
    message: `the tenant ${tenant?.id} is registered already, with the slug "${name}" and the schema "${name}"`,
  });

  expect(await rows(dba, "SELECT FROM pg_namespace WHERE nspname = 'another'")).toEqual([]);
  expect(await rows(dba, `SELECT * FROM ${name}.products`)).toHaveLength(1);
});

test('lets one of two provisions of the same name win; the other hears that the schema exists', async () => {
  const host = await makeShop();
  const [one, two] = [await host.connect('dba'), await host.connect('dba')];
  const name = nextTenantName();
  await one.query('BEGIN');
  await provision(one, name);

  const second = refusal(provision(two, name));
  await until('the second one waits for the first', async () => {
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    return (await rows(one, waiting)).length === 1;
  });
  await one.query('COMMIT');

  expect(await second).toMatchObject({ code: '42P06', message: `schema "${name}" already exists` });
  expect(await rows(one, `SELECT * FROM ${name}.products`)).toHaveLength(1);
});

test('provisions again a schema that somebody dropped by hand, in spite of its old ledger', async () => {
  const host = await makeShop();
  const name = await host.createTenant();
  const dba = await host.connect('dba');
  await dba.query(`DROP SCHEMA ${name} CASCADE; DELETE FROM shared.tenants`);

  await provision(dba, name);

  expect(await rows(dba, `SELECT * FROM ${name}.products`)).toHaveLength(1);
});

test('runs versions one after the other, each with its seeds, up to the one that is asked for', async () => {
  const host = await makeShop(RENAMED);
  const dba = await host.connect('dba');

  await provision(dba, 'newest');
  await provision(dba, 'older', TEMPLATE, 1);
  await provision(dba, 'unseeded', TEMPLATE, 2, false);
  await provision(dba, 'empty', TEMPLATE, 0);

  expect(await rows(dba, 'SELECT title FROM newest.products')).toEqual([{ title: 'SAMPLE' }]);
  expect(await rows(dba, 'SELECT name FROM older.products')).toEqual([{ name: 'sample' }]);
  expect(await rows(dba, 'SELECT title FROM unseeded.products')).toEqual([]);
  expect(await rows(dba, "SELECT FROM pg_class WHERE relnamespace = 'empty'::regnamespace")).toEqual([]);
  const ledger = 'SELECT schema_name, max(version) FROM shared.schema_versions GROUP BY 1 ORDER BY 1';
  expect(await rows(dba, ledger)).toEqual([
    { schema_name: 'newest', max: 2 },
    { schema_name: 'older', max: 1 },
    { schema_name: 'unseeded', max: 2 },
  ]);
});

test('makes only the tables that a schema lacks, also in public', async () => {
  const host = await makeShop(RENAMED);
  await host.query('superuser', `GRANT USAGE, CREATE ON SCHEMA public TO ${host.name}_provisioner`);
  const dba = await host.connect('dba');

  await dba.query(`SELECT shared.create_tenant_tables('public', '${TEMPLATE}', 1)`);
  await dba.query("SELECT shared.seed_tenant_data('public', upto => 1)");
  await dba.query("SELECT shared.create_tenant_tables('public')");
  await dba.query("SELECT shared.create_tenant_tables('public')");

  expect(await rows(dba, 'SELECT title FROM public.products')).toEqual([{ title: 'SAMPLE' }]);
  expect(await errorCodeOf(dba.query("SELECT shared.create_tenant_tables('nowhere')"))).toBe('3F000');
  expect(await errorCodeOf(dba.query("SELECT shared.seed_tenant_data('shared')"))).toBe('42939');
});

test('names the templates when none, several or another one could be meant', async () => {
  const host = await makeHost();
  const dba = await host.connect('dba');
  expect(await refusal(provision(dba, 'lost'))).toMatchObject({
    code: '42704',
    message: `the database "${host.name}" has no template`,
  });

  await host.addTemplate(TEMPLATE, 'shop', [SHOP]);
  await host.addTemplate(randomUUID(), 'clinic', [SHOP]);

  expect(await refusal(provision(dba, 'lost'))).toMatchObject({
    code: '22023',
    message: expect.stringMatching(/several templates: clinic \(.*\), shop \(.*\)/),
  });
  expect(await refusal(provision(dba, 'lost', randomUUID()))).toMatchObject({
    code: '42704',
    hint: expect.stringContaining(`shop (${TEMPLATE})`),
  });
  expect(await refusal(provision(dba, 'lost', TEMPLATE, 2))).toMatchObject({
    code: '22023',
    message: `the template ${TEMPLATE} has no version 2`,
  });
  expect(await rows(dba, "SELECT FROM pg_namespace WHERE nspname = 'lost'")).toEqual([]);
});

test.each([
  ['SELECT 1/0', '22012'],
  ['CREATE TABLE products ()', '42P07'],
  ['SET ROLE postgres', '42501'],
  ['RESET ROLE', '42501'],
  ['COMMIT', '0A000'],
])('leaves nothing of a tenant whose template says %j, and names the file', async (sql, code) => {
  const host = await makeShop([{ name: '02_broken.sql', kind: 'schema', sql }]);
  const dba = await host.connect('dba');

  expect(await refusal(provision(dba, 'broken'))).toMatchObject({
    code,
    detail: expect.stringContaining('In "02_broken.sql", version 2 of the template "shop".'),
  });

  expect(await rows(dba, "SELECT FROM pg_namespace WHERE nspname = 'broken'")).toEqual([]);
  expect(await rows(dba, 'SELECT FROM shared.tenants')).toEqual([]);
  expect(await rows(dba, 'SELECT FROM shared.schema_versions')).toEqual([]);
});

test('the files run again over a database in use, and only as the provisioner', async () => {
  const host = await makeShop();
  const name = await host.createTenant();
  const dba = await host.connect('dba');
  const { sql } = await sharedSchema();

  expect(await refusal(dba.query(sql))).toMatchObject({
    code: '42501',
    hint: `Run SET ROLE ${host.name}_provisioner first.`,
  });
  await dba.query(`SET ROLE ${host.name}_provisioner; ${sql}; RESET ROLE`);

  expect(await host.query(name, 'SELECT slug FROM tenants')).toEqual([{ slug: name }]);
  await host.createTenant();
});
