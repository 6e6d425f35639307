import { beforeAll, describe, expect, test } from 'vitest';
import { randomHex } from '../../src/kernel/ids.js';
import { createDatabase } from '../support/databases.js';
import { canLogin, query, withClient } from '../support/sql.js';
import {
  addVersion,
  createHost,
  createTemplate,
  createTenant,
  type NewTenant,
  type Template,
  tenantBody,
} from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '1' } });
const { api } = world;

type Needy = Template & { extensions: string[] | null };

async function templateOf(sql: string): Promise<Needy> {
  const body = { name: `needy-${randomHex(4)}`, sql };
  return (await api.post<Needy>('/api/templates', body)).expect(201).data;
}

async function installedIn(databaseId: string): Promise<string[]> {
  const answer = await api.get<{ installed: string[] }>(`/api/databases/${databaseId}/extensions`);
  return answer.expect(200).data.installed;
}

describe('a version says which extensions it needs', () => {
  test.each([
    ['a column', 'CREATE TABLE a (email citext UNIQUE)', ['citext']],
    ['an array, named with its schema', 'CREATE TABLE a (emails public.citext[])', ['citext']],
    ['a default', 'CREATE TABLE a (id uuid DEFAULT uuid_generate_v4())', ['uuid-ossp']],
    ['an index', 'CREATE TABLE a (n text); CREATE INDEX ON a USING gin (n gin_trgm_ops)', ['pg_trgm']],
    [
      'a constraint',
      'CREATE TABLE a (room int, span tstzrange, EXCLUDE USING gist (room WITH =, span WITH &&))',
      ['btree_gist'],
    ],
    [
      'a view',
      `CREATE TABLE a (b text); CREATE VIEW v WITH (security_invoker = true) AS SELECT b::hstore FROM a`,
      ['hstore'],
    ],
    ['a row', `CREATE TABLE a (p text); INSERT INTO a VALUES (crypt('x', gen_salt('bf', 4)))`, ['pgcrypto']],
    [
      'a body',
      `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE a hstore; BEGIN RETURN public.digest('a', 'md5'); END $$`,
      ['hstore', 'pgcrypto'],
    ],
    ['nothing', `CREATE TABLE digest (id uuid DEFAULT gen_random_uuid(), similarity int)`, []],
  ])('%s', async (_, sql, extensions) => {
    expect((await templateOf(sql)).extensions).toEqual(extensions);
  });

  test('with those of the versions before it', async () => {
    const { id } = await templateOf('CREATE TABLE a (email citext)');
    const sql = 'ALTER TABLE a DROP COLUMN email, ADD COLUMN props hstore';

    const { data } = await api.post<{ extensions: string[] }>(`/api/templates/${id}/versions`, { sql });

    expect(data.extensions).toEqual(['citext', 'hstore']);
    expect((await api.get<Needy>(`/api/templates/${id}`)).data.extensions).toEqual(['citext', 'hstore']);
  });
});

describe('a template that needs an extension', () => {
  let template: Needy;
  const tenants: NewTenant[] = [];

  beforeAll(async () => {
    template = await templateOf('CREATE TABLE users (email citext UNIQUE)');
    const group = { name: 'growing', ownerEmail: 'ops@example.com', tenantsPerDatabase: 2 };
    (await api.post('/api/host-groups', group)).expect(201);
    for (let at = 0; at < 6; at += 1) {
      const fields = { hostGroup: 'growing', templateId: template.id };
      tenants.push(await createTenant(world, fields));
    }
  });

  test('takes tenants however far its group grows', async () => {
    const hosts = [...new Set(tenants.map(({ database_id }) => database_id))];

    expect(hosts.length).toBeGreaterThan(2);
    for (const id of hosts) expect(await installedIn(id)).toEqual(['citext']);
    for (const tenant of tenants) {
      expect(await canLogin(tenant.connection_string_pooled)).toBe(true);
      expect(await query(tenant.connection_string, "SELECT 'A'::citext = 'a' AS same")).toEqual([
        { same: true },
      ]);
    }
    const { data } = await api.get<{ status: string }[]>('/api/tenants?limit=200');
    expect(new Set(data.map(({ status }) => status))).toEqual(new Set(['active']));
  });

  test('goes to a host that has it before one with more room', async () => {
    const group = { name: 'mixed', ownerEmail: 'ops@example.com', tenantsPerDatabase: 5 };
    const { data } = (await api.post<{ id: string }>('/api/host-groups', group)).expect(201);
    const first = await createTenant(world, { hostGroup: 'mixed' });
    const made = await createDatabase(world);
    (await api.post(`/api/databases/${made.id}/host`, { maxTenants: 3 })).expect(201);
    await world.control.query(`UPDATE hosts SET group_id = '${data.id}' WHERE database_id = '${made.id}'`);
    (await api.put(`/api/databases/${made.id}/extensions/citext`, {})).expect(200);

    const tenant = await createTenant(world, {
      hostGroup: 'mixed',
      templateId: template.id,
      maxConnections: 3,
    });

    expect(tenant.database_id).toBe(made.id);
    expect(first.database_id).not.toBe(made.id);
  });

  test('runs in a database of its own and comes from stock', async () => {
    const own = await createTenant(world, { templateId: template.id, isolation: 'database' });
    expect(await installedIn(own.database_id)).toEqual(['citext']);
    expect(await query(own.connection_string, 'SELECT email FROM users')).toEqual([]);

    const { database } = await createHost(world);
    const fresh = await templateOf('CREATE TABLE users (email citext, props hstore)');
    await createTenant(world, { templateId: fresh.id, databaseId: database.id });
    await until('there is stock', async () => {
      const rows = await world.control.query(
        `SELECT FROM warm_schemas WHERE template_id = '${fresh.id}' AND state = 'ready'`,
      );
      return rows.length > 0;
    });
    expect(await installedIn(database.id)).toEqual(['citext', 'hstore']);
  });

  test('gets it in a migration to the version that needs it', async () => {
    const plain = await templateOf('CREATE TABLE users (email text)');
    const tenant = await createTenant(world, { templateId: plain.id, isolation: 'database' });
    await addVersion(world, plain, 'ALTER TABLE users ALTER email TYPE citext');

    (await api.post('/api/migrations', { templateId: plain.id })).expect(201);

    expect(await installedIn(tenant.database_id)).toEqual(['citext']);
    expect((await api.get<NewTenant>(`/api/tenants/${tenant.id}`)).data.template_version).toBe(2);
  });

  test('of a time when nobody looked is looked at when it is needed', async () => {
    const old = await createTemplate(world, [
      { name: '01.sql', sql: 'CREATE TABLE old_users (email citext, extra hstore)' },
    ]);
    await world.control.query(
      `UPDATE template_versions SET extensions = NULL WHERE template_id = '${old.id}'`,
    );
    expect((await api.get<Needy>(`/api/templates/${old.id}`)).data.extensions).toBeNull();

    const tenant = await createTenant(world, { templateId: old.id, isolation: 'database' });

    expect(await installedIn(tenant.database_id)).toEqual(['citext', 'hstore']);
    expect((await api.get<Needy>(`/api/templates/${old.id}`)).data.extensions).toEqual(['citext', 'hstore']);
  });

  test('is refused where the owner is in the way, and leaves nothing', async () => {
    const { database } = await createHost(world);
    await query(database.connection_string, 'DROP SCHEMA public CASCADE');

    const body = tenantBody({ databaseId: database.id, templateId: template.id });
    const refused = (await api.post('/api/tenants', body)).expect(409);

    expect(refused.problem.detail).toContain('3F000');
    await until('nothing is left', async () => {
      const { data } = await api.get<unknown[]>(`/api/tenants?databaseId=${database.id}`);
      return data.length === 0;
    });
    await query(database.connection_string, 'CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC');
    (await api.post('/api/tenants', body)).expect(201);
  });
});

describe('the extensions of a database', () => {
  test('are those that it has, whatever was recorded', async () => {
    const database = await createDatabase(world, { extensions: ['citext', 'hstore'] });
    expect(await installedIn(database.id)).toEqual(['citext', 'hstore']);

    await query(database.connection_string, 'DROP EXTENSION hstore; CREATE EXTENSION pg_trgm');
    expect(await installedIn(database.id)).toEqual(['citext', 'pg_trgm']);

    await query(database.connection_string, 'DROP SCHEMA public CASCADE');
    expect(await installedIn(database.id)).toEqual([]);
  });

  test.each([
    ['the schema public is gone', 'DROP SCHEMA public CASCADE', '3F000'],
    ['a type has the name', 'CREATE DOMAIN public.citext AS text', '42710'],
  ])('cannot grow where %s, and the answer says so', async (_, sql, state) => {
    const database = await createDatabase(world);
    await withClient(database.connection_string, (client) => client.query(sql));

    const refused = (await api.put(`/api/databases/${database.id}/extensions/citext`, {})).expect(409);

    expect(refused.problem.code).toBe('CONFLICT');
    expect(refused.problem.detail).toContain(state);
    expect(await installedIn(database.id)).toEqual([]);
  });
});
