import { describe, expect, test } from 'vitest';
import { HeldTable } from '../support/held-table.js';
import { Session } from '../support/session.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import {
  addVersion,
  createHost,
  createTemplate,
  createTenant,
  deleteTenant,
  type Host,
  type NewTenant,
  posFiles,
  type Tenant,
} from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0' } });
const { api } = world;
const template = await createTemplate(world);
const DOORS = ['connection_string', 'connection_string_pooled'] as const;

/** As superuser in a database of the server. */
async function admin<Row extends object>(database: string, sql: string): Promise<Row[]> {
  const { host, port, adminUser: user, adminPassword: password } = world.config.server;
  const session = new Session({ host, port, user, password, database });
  try {
    return await session.query<Row & Record<string, unknown>>(sql);
  } finally {
    await session.end();
  }
}

const names = (tenant: NewTenant) =>
  query<{ name: string }>(tenant.connection_string_pooled, 'SELECT name FROM products ORDER BY name');

describe.each(['schema', 'database'] as const)('a tenant with isolation %s', (isolation) => {
  test('is ready on both ports, with its template and its seeds', async () => {
    const tenant = await createTenant(world, {
      isolation,
      templateId: template.id,
      metadata: { plan: 'gold' },
    });

    expect(tenant).toMatchObject({
      isolation,
      status: 'active',
      template_version: 1,
      metadata: { plan: 'gold' },
    });
    for (const door of DOORS) {
      expect(await query(tenant[door], 'SELECT value FROM settings')).toEqual([{ value: 'EUR' }]);
    }
  });

  test('is suspended on both ports at once, sessions included, and resumed with its data', async () => {
    const tenant = await createTenant(world, { isolation, templateId: template.id });
    await query(tenant.connection_string, "INSERT INTO products (name) VALUES ('apple')");
    const live = await connect(tenant.connection_string);

    (await api.post<Tenant>(`/api/tenants/${tenant.id}/suspend`)).expect(200);

    for (const door of DOORS) expect(await canLogin(tenant[door])).toBe(false);
    expect(await errorCodeOf(live.query('SELECT 1'))).not.toBeNull();
    const again = (await api.post(`/api/tenants/${tenant.id}/suspend`)).expect(409);
    expect(again.problem.code).toBe('CONFLICT');

    (await api.post(`/api/tenants/${tenant.id}/resume`)).expect(200);
    expect(await names(tenant)).toEqual([{ name: 'apple' }]);
  });

  test('gets a new password, and the old one is refused on both ports', async () => {
    const tenant = await createTenant(world, { isolation, templateId: template.id });

    const fresh = (
      await api.post<NewTenant>(`/api/tenants/${tenant.id}/rotate-credentials`, { endSessions: true })
    ).expect(200).data;

    for (const door of DOORS) {
      expect(await canLogin(tenant[door])).toBe(false);
      expect(await canLogin(fresh[door])).toBe(true);
    }
    const path = `/api/tenants/${tenant.id}/connection-strings?reveal=true&format=libpq`;
    const { data } = (await api.get<{ formatted: string }>(path)).expect(200);
    expect(data.formatted).toContain(fresh.password);
  });

  test('is cloned with its rows, sequences included, and the two go their own ways', async () => {
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(
      source.connection_string,
      `INSERT INTO products (name) VALUES ('apple'); INSERT INTO products (name, parent_id) VALUES ('pear', 1);
       UPDATE settings SET value = 'CHF'`,
    );

    const body = { slug: `clone-of-${source.slug}`, withData: true };
    const clone = (await api.post<NewTenant>(`/api/tenants/${source.id}/clone`, body)).expect(201).data;

    expect(clone).toMatchObject({ isolation, cloned_from: source.id, template_version: 1 });
    expect(await query(clone.connection_string, 'SELECT value FROM settings')).toEqual([{ value: 'CHF' }]);
    await query(clone.connection_string, "INSERT INTO products (name, parent_id) VALUES ('plum', 2)");
    expect(await names(clone)).toHaveLength(3);
    expect(await names(source)).toHaveLength(2);
    const bad = query(clone.connection_string, "INSERT INTO products (name, parent_id) VALUES ('nut', 99)");
    expect(await errorCodeOf(bad)).toBe('23503');
  });

  test('is cloned without rows, with the seeds', async () => {
    const source = await createTenant(world, { isolation, templateId: template.id });
    await query(source.connection_string, "INSERT INTO products (name) VALUES ('apple')");

    const body = { slug: `empty-${source.slug}` };
    const clone = (await api.post<NewTenant>(`/api/tenants/${source.id}/clone`, body)).expect(201).data;

    expect(await names(clone)).toEqual([]);
    expect(await query(clone.connection_string, 'SELECT key FROM settings')).toEqual([{ key: 'currency' }]);
  });

  test('changes its slug and limits, and keeps schema and login', async () => {
    const tenant = await createTenant(world, { isolation, templateId: template.id });
    const slug = `new-${tenant.slug}`;

    const { data } = (
      await api.patch<Tenant>(`/api/tenants/${tenant.id}`, { slug, maxConnections: 3, name: 'Ünï "x"' })
    ).expect(200);

    expect(data).toMatchObject({ slug, max_connections: 3, schema_name: tenant.schema_name });
    const [role] = await world.server.query<{ limit: number }>(
      `SELECT rolconnlimit AS limit FROM pg_roles WHERE rolname = '${tenant.username}'`,
    );
    expect(role?.limit).toBe(3);
    expect(await query(tenant.connection_string, 'SELECT slug, name FROM shared.tenants')).toEqual([
      { slug, name: 'Ünï "x"' },
    ]);
    expect((await api.get<Tenant[]>(`/api/tenants?slug=${slug}`)).data).toHaveLength(1);
  });

  test('is deleted with everything it had, unless it is protected', async () => {
    const tenant = await createTenant(world, {
      isolation,
      templateId: template.id,
      deletionProtection: true,
    });
    const refused = (await api.delete(`/api/tenants/${tenant.id}`)).expect(409);
    expect(refused.problem.code).toBe('DELETION_PROTECTED');
    (await api.patch(`/api/tenants/${tenant.id}`, { deletionProtection: false })).expect(200);

    await deleteTenant(world, tenant);

    (await api.get(`/api/tenants/${tenant.id}`)).expect(404);
    const roles = await world.server.query(`SELECT FROM pg_roles WHERE rolname = '${tenant.username}'`);
    expect(roles).toEqual([]);
    const aliases = await world.pooler.query<{ name: string }>('SHOW DATABASES');
    expect(aliases.map(({ name }) => name)).not.toContain(
      isolation === 'schema' ? tenant.schema_name : tenant.database_name,
    );
    const left =
      isolation === 'schema'
        ? await admin(
            tenant.database_name,
            `SELECT FROM pg_namespace WHERE nspname = '${tenant.schema_name}'`,
          )
        : await world.server.query(`SELECT FROM pg_roles WHERE rolname LIKE '${tenant.database_name}%'`);
    expect(left).toEqual([]);
  });
});

describe('schemas in one host', () => {
  test('mean each its own tables by the same names, and the registry shows one row', async () => {
    const [a, b] = [
      await createTenant(world, { templateId: template.id }),
      await createTenant(world, { templateId: template.id, databaseId: undefined }),
    ];
    expect(a.database_id).toBe(b.database_id);
    await query(a.connection_string_pooled, "INSERT INTO products (name) VALUES ('of a')");

    for (const door of DOORS) {
      expect(await query(a[door], 'SELECT name FROM products')).toEqual([{ name: 'of a' }]);
      expect(await query(b[door], 'SELECT name FROM products')).toEqual([]);
      expect(await query(b[door], 'SELECT slug FROM tenants')).toEqual([{ slug: b.slug }]);
      const foreign = query(b[door], `SELECT * FROM ${a.schema_name}.products`);
      expect(await errorCodeOf(foreign)).toBe('42501');
    }
  });

  test.each([
    ['make a table in its schema', 'CREATE TABLE mine (id int)', '42501'],
    ['make a table in shared', 'CREATE TABLE shared.mine (id int)', '42501'],
    ['make a schema', 'CREATE SCHEMA mine', '42501'],
    ['drop a table', 'DROP TABLE products', '42501'],
    ['empty a table at once', 'TRUNCATE products', '42501'],
    [
      'add a trigger',
      'CREATE TRIGGER t BEFORE INSERT ON products EXECUTE FUNCTION suppress_redundant_updates_trigger()',
      '42501',
    ],
    ['read password hashes', 'SELECT password_hash FROM shared.users', '42501'],
    ['write the registry', "UPDATE shared.tenants SET slug = 'x'", '42501'],
    ['read the ledger', 'SELECT * FROM shared.schema_versions', '42501'],
    ['provision', "SELECT shared.provision_tenant_schema(gen_random_uuid(), 'tenant_9999')", '42501'],
    ['become the provisioner', 'SET ROLE %db%_provisioner', '42501'],
    ['become the app role', 'SET ROLE %db%_app', '42501'],
    ['make a large object', 'SELECT lo_create(0)', '42501'],
    ['make a large object in the old way', 'SELECT lo_creat(-1)', '42501'],
    ['fill a large object', "SELECT lo_from_bytea(0, 'abc')", '42501'],
  ])('may not %s', async (_, sql, code) => {
    const tenant = await createTenant(world, { templateId: template.id });

    const attempt = query(tenant.connection_string, sql.replace('%db%', tenant.database_name));

    expect(await errorCodeOf(attempt)).toBe(code);
  });

  test('are never given a name twice', async () => {
    const first = await createTenant(world, { templateId: template.id });
    await deleteTenant(world, first);

    const second = await createTenant(world, { templateId: template.id, slug: first.slug });

    expect(Number(second.schema_name.slice(7))).toBeGreaterThan(Number(first.schema_name.slice(7)));
    expect(first.schema_name).toMatch(/^tenant_\d{4,}$/);
  });

  test('are empty without a template', async () => {
    const tenant = await createTenant(world);

    expect(tenant).toMatchObject({ template_id: null, template_version: 0 });
    expect(await errorCodeOf(query(tenant.connection_string, 'SELECT * FROM products'))).toBe('42P01');
    expect(await query(tenant.connection_string_pooled, 'SELECT slug FROM tenants')).toEqual([
      { slug: tenant.slug },
    ]);
  });
});

describe('a slug that the registry of the host has for another schema', () => {
  test('is refused at once, and the change is taken back', async () => {
    const tenant = await createTenant(world, { templateId: template.id, maxConnections: 4 });
    const slug = `of-hand-${tenant.slug}`;
    await admin(
      tenant.database_name,
      `INSERT INTO shared.tenants (id, slug, name, schema_name) VALUES (gen_random_uuid(), '${slug}', 'x', 'by_hand')`,
    );

    const refused = (
      await api.patch(`/api/tenants/${tenant.id}`, { slug, name: 'Other', maxConnections: 3 })
    ).expect(409);

    expect(refused.problem).toMatchObject({ code: 'CONFLICT', retryable: false });
    expect(refused.problem.detail).toContain(slug);
    const { data } = await api.get<Tenant>(`/api/tenants/${tenant.id}`);
    expect(data).toMatchObject({ slug: tenant.slug, name: tenant.name, max_connections: 4 });
    expect(await query(tenant.connection_string, 'SELECT slug FROM tenants')).toEqual([
      { slug: tenant.slug },
    ]);
  });

  test('is waited for where its holder has given it up', async () => {
    const [first, second] = [
      await createTenant(world, { templateId: template.id }),
      await createTenant(world, { templateId: template.id }),
    ];
    const rename = (tenant: NewTenant, slug: string) =>
      api.patch<Tenant>(`/api/tenants/${tenant.id}`, { slug });

    const [given, taken] = await Promise.all([
      rename(first, `free-${first.slug}`),
      until('the slug is free', async () => {
        const answer = await rename(second, first.slug);
        return answer.ok ? answer : null;
      }),
    ]);

    expect([given.status, taken.status]).toEqual([200, 200]);
  });
});

describe('a schema that somebody changed by hand', () => {
  test('is not dropped under another name, and its tenant says which', async () => {
    const tenant = await createTenant(world, { templateId: template.id });
    await admin(tenant.database_name, `ALTER SCHEMA ${tenant.schema_name} RENAME TO kept`);

    const refused = (await api.delete(`/api/tenants/${tenant.id}`)).expect(409);

    expect(refused.problem).toMatchObject({ code: 'OWNERSHIP_MISMATCH' });
    expect(refused.problem.detail).toContain('kept');
    expect((await api.get<Tenant>(`/api/tenants/${tenant.id}`)).data.status).toBe('active');
    expect(await canLogin(tenant.connection_string)).toBe(true);
    await admin(tenant.database_name, `ALTER SCHEMA kept RENAME TO ${tenant.schema_name}`);
    await deleteTenant(world, tenant);
  });

  test('leaves a tenant as it was, also in a database of its own that is another now', async () => {
    const tenant = await createTenant(world, { isolation: 'database', ownerEmail: 'owner@example.com' });
    const name = tenant.database_name;
    await world.server.query(`ALTER DATABASE ${name} RENAME TO kept_${name}`);
    await world.server.query(`CREATE DATABASE ${name}`);

    const refused = (await api.delete(`/api/tenants/${tenant.id}`)).expect(409);

    expect(refused.problem).toMatchObject({ code: 'OWNERSHIP_MISMATCH' });
    expect((await api.get<Tenant>(`/api/tenants/${tenant.id}`)).data.status).toBe('active');
    await world.server.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await world.server.query(`ALTER DATABASE kept_${name} RENAME TO ${name}`);
    expect(await canLogin(tenant.connection_string)).toBe(true);
    await deleteTenant(world, tenant);
  });

  test('is no source of a clone that would be empty', async () => {
    const tenant = await createTenant(world, { templateId: template.id });
    await query(tenant.connection_string, "INSERT INTO products (name) VALUES ('kept')");
    await admin(tenant.database_name, `ALTER SCHEMA ${tenant.schema_name} RENAME TO elsewhere`);
    const body = { slug: 'clone-of-nothing', withData: true };

    const refused = (await api.post(`/api/tenants/${tenant.id}/clone`, body)).expect(409);

    expect(refused.problem).toMatchObject({ code: 'OWNERSHIP_MISMATCH' });
    await admin(tenant.database_name, `ALTER SCHEMA elsewhere RENAME TO ${tenant.schema_name}`);
    await admin(tenant.database_name, `DROP TABLE ${tenant.schema_name}.settings`);
    const lacking = (await api.post(`/api/tenants/${tenant.id}/clone`, { ...body, slug: 'lacking' })).expect(
      409,
    );
    expect(lacking.problem.detail).toContain('settings');
  });

  test('is no obstacle to a delete once it is gone', async () => {
    const tenant = await createTenant(world, { templateId: template.id });
    await admin(tenant.database_name, `DROP SCHEMA ${tenant.schema_name} CASCADE`);

    await deleteTenant(world, tenant);

    expect(await loginError(tenant.connection_string)).not.toBeNull();
  });

  test('is reported by the reconciler', async () => {
    const tenant = await createTenant(world, { templateId: template.id });
    await admin(tenant.database_name, `ALTER SCHEMA ${tenant.schema_name} RENAME TO strange`);
    const [server] = (await api.get<{ id: string }[]>('/api/servers')).data;

    const report = await api.post<{ findings: { kind: string; name: string }[] }>(
      `/api/servers/${server?.id}/reconcile`,
      { repair: false },
    );

    expect(report.expect(200).data.findings).toContainEqual(
      expect.objectContaining({ kind: 'schema_renamed', name: tenant.schema_name }),
    );
    await admin(tenant.database_name, `ALTER SCHEMA strange RENAME TO ${tenant.schema_name}`);
  });
});

describe('a host', () => {
  test('takes tenants that ask for it, and its owner reads and mends all of them', async () => {
    const { database, host } = await createHost(world, { maxTenants: 2 });
    const tenant = await createTenant(world, { databaseId: database.id, templateId: template.id });

    expect(host).toMatchObject({ status: 'ready', max_tenants: 2, tenants: 0 });
    expect(tenant.database_id).toBe(database.id);
    await query(
      database.connection_string,
      `INSERT INTO ${tenant.schema_name}.products (name) VALUES ('by the owner')`,
    );
    expect(await names(tenant)).toEqual([{ name: 'by the owner' }]);
    await query(database.connection_string, "SELECT lo_unlink(lo_from_bytea(0, 'abc'))");
  });

  test('refuses more than it may hold, and holds more once it may', async () => {
    const { database } = await createHost(world, { maxTenants: 1 });
    await createTenant(world, { databaseId: database.id });

    const refused = (
      await api.post('/api/tenants', { slug: 'one-too-many', databaseId: database.id })
    ).expect(409);
    expect(refused.problem.code).toBe('NO_ROOM');
    (await api.patch(`/api/databases/${database.id}/host`, { maxTenants: 2 })).expect(200);
    await createTenant(world, { slug: 'one-too-many', databaseId: database.id });
  });

  test('is not deleted while tenants live in it, and takes its roles along', async () => {
    const { database } = await createHost(world);
    const tenant = await createTenant(world, { databaseId: database.id });

    expect((await api.delete(`/api/databases/${database.id}`)).expect(409).problem.detail).toContain(
      '1 tenants',
    );
    await deleteTenant(world, tenant);
    (await api.delete(`/api/databases/${database.id}`)).expect(200);

    const roles = await world.server.query(
      `SELECT FROM pg_roles WHERE rolname LIKE '${database.database_name}%'`,
    );
    expect(roles).toEqual([]);
  });

  test('has an app role that is nobody until it is a tenant, and a reading role that cannot write', async () => {
    const { database, host } = await createHost(world);
    const tenant = await createTenant(world, { databaseId: database.id, templateId: template.id });
    const table = `${tenant.schema_name}.products`;

    expect(await errorCodeOf(query(host.app.connection_string_pooled, `SELECT * FROM ${table}`))).toBe(
      '42501',
    );
    const asTenant = `BEGIN; SET LOCAL ROLE ${tenant.schema_name}; INSERT INTO ${table} (name) VALUES ('x'); COMMIT`;
    await query(host.app.connection_string_pooled, asTenant);
    expect(await query(host.readonly.connection_string_pooled, `SELECT name FROM ${table}`)).toEqual([
      { name: 'x' },
    ]);
    const write = query(host.readonly.connection_string, `SET TRANSACTION READ WRITE; DELETE FROM ${table}`);
    expect(await errorCodeOf(write)).toBe('42501');
    for (const { connection_string } of [host.app, host.readonly]) {
      expect(await errorCodeOf(query(connection_string, 'SELECT password_hash FROM shared.users'))).toBe(
        '42501',
      );
    }
  });

  test('gives its shared logins new passwords', async () => {
    const { database, host } = await createHost(world);
    const path = `/api/databases/${database.id}/host`;

    const fresh = (await api.post<Host>(`${path}/rotate-credentials`, { role: 'app' })).expect(200).data;

    expect(await canLogin(host.app.connection_string)).toBe(false);
    expect(await canLogin(fresh.app.connection_string_pooled)).toBe(true);
    expect(await canLogin(host.readonly.connection_string)).toBe(true);
    expect((await api.get<Host>(`${path}?reveal=true`)).expect(200).data.app.password).toBe(
      fresh.app.password,
    );
  });

  test('is made only once, and not out of a database with a schema "shared" of its own', async () => {
    const { database } = await createHost(world);
    (await api.post(`/api/databases/${database.id}/host`, {})).expect(409);
    const other = (
      await api.post<{ id: string; connection_string: string }>('/api/databases', {
        friendlyName: 'has its own',
        ownerEmail: 'a@example.com',
      })
    ).expect(201).data;
    await query(other.connection_string, 'CREATE SCHEMA shared; CREATE TABLE shared.mine (id int)');

    const refused = (await api.post(`/api/databases/${other.id}/host`, {})).expect(409);

    expect(refused.problem.detail).toContain('shared');
    await query(other.connection_string, 'INSERT INTO shared.mine VALUES (1)');
  });
});

describe('a clone that a migration overtakes', () => {
  const stamped = 'ALTER TABLE products ADD COLUMN stamp double precision NOT NULL DEFAULT random()';

  async function makeSource() {
    const { id: templateId } = await createTemplate(world);
    const source = await createTenant(world, { templateId });
    await query(source.connection_string, "INSERT INTO products (name) VALUES ('apple'), ('pear')");
    await addVersion(world, { id: templateId }, stamped);
    return { templateId, source };
  }

  async function begin(path: string, body: object): Promise<string> {
    return (await api.post<{ id: string }>(path, body, { prefer: 'respond-async' })).expect(202).data.id;
  }

  const succeeded = (operation: string) =>
    until('the operation has succeeded', async () => {
      const { state } = (await api.get<{ state: string }>(`/api/operations/${operation}`)).data;
      if (state === 'failed') throw new Error('it has failed');
      return state === 'succeeded';
    });

  async function expectWhole(slug: string): Promise<void> {
    const [clone] = (await api.get<Tenant[]>(`/api/tenants?search=${slug}`)).data;
    expect(clone).toMatchObject({ slug, status: 'active', template_version: 2 });
    const rows = `SELECT FROM ${clone?.schema_name}.products WHERE stamp IS NOT NULL`;
    expect(await admin(clone?.database_name ?? '', rows)).toHaveLength(2);
  }

  test('while it waits for a table has the rows that a rewrite moved', async () => {
    const { templateId, source } = await makeSource();
    const holder = await connect(source.connection_string);
    await holder.query('BEGIN; SELECT FROM products');
    const waiting = async (count: number) => {
      const rows = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1";
      return (await world.server.query(rows, [source.database_name])).length >= count;
    };

    const strategy = { canary: 0, lockTimeoutMs: 30_000 };
    const migration = await begin('/api/migrations', { templateId, strategy });
    await until('the migration waits', () => waiting(1));
    const clone = await begin(`/api/tenants/${source.id}/clone`, { slug: 'overtaken', withData: true });
    await until('the clone waits behind it', () => waiting(2));
    await holder.end();

    await succeeded(clone);
    await expectWhole('overtaken');
    await succeeded(migration);
  });

  test('before its rows are copied has the version of its source', async () => {
    const { templateId, source } = await makeSource();
    const held = await HeldTable.hold(world, source.database_name, 'shared.tenants');

    const clone = await begin(`/api/tenants/${source.id}/clone`, { slug: 'late', withData: true });
    await held.untilSomebodyWaits();
    const migration = await begin('/api/migrations', { templateId });
    await until(
      'the source has the version',
      async () => (await api.get<Tenant>(`/api/tenants/${source.id}`)).data.template_version === 2,
    );
    await held.release();

    await succeeded(clone);
    await expectWhole('late');
    await succeeded(migration);
  });

  test('and whose source is deleted while it reads is whole', async () => {
    const { source } = await makeSource();
    const { adminUser, adminPassword, host, port } = world.config.server;
    const holder = await connect(
      `postgres://${adminUser}:${adminPassword}@${host}:${port}/${source.database_name}`,
    );
    await holder.query(`BEGIN; LOCK TABLE ${source.schema_name}.products`);
    const clone = await begin(`/api/tenants/${source.id}/clone`, { slug: 'heir', withData: true });
    await until('the clone waits', async () => {
      const rows = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1";
      return (await world.server.query(rows, [source.database_name])).length > 0;
    });

    const deletion = (
      await api.delete<{ id: string }>(`/api/tenants/${source.id}`, { prefer: 'respond-async' })
    ).expect(202);
    await holder.end();

    await succeeded(clone);
    await succeeded(deletion.data.id);
    const [heir] = (await api.get<Tenant[]>('/api/tenants?search=heir')).data;
    expect(await admin(heir?.database_name ?? '', `SELECT FROM ${heir?.schema_name}.products`)).toHaveLength(
      2,
    );
  });

  test('and whose source is deleted says so', async () => {
    const source = await createTenant(world, { templateId: template.id });
    const held = await HeldTable.hold(world, source.database_name, 'shared.tenants');
    const clone = await begin(`/api/tenants/${source.id}/clone`, { slug: 'orphan', withData: true });
    await held.untilSomebodyWaits();
    await api.delete(`/api/tenants/${source.id}`, { prefer: 'respond-async' });
    await held.release();

    const ended = await until('the operation has failed', async () => {
      const operation = (await api.get<{ state: string; error: object }>(`/api/operations/${clone}`)).data;
      return operation.state === 'failed' && operation;
    });
    expect(ended.error).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('deleted') });
  });
});

test('a table of its own keeps a tenant from being cloned with its rows, by name', async () => {
  const source = await createTenant(world, { isolation: 'database', templateId: template.id });
  await query(source.connection_string, 'CREATE TABLE public.notes (note text)');

  const refused = await api.post(`/api/tenants/${source.id}/clone`, {
    slug: 'without-notes',
    withData: true,
  });

  expect(refused.expect(409).problem.detail).toContain('"notes"');
});

test('clones that take long, more than one host has sessions for, keep nobody from being created', async () => {
  const source = await createTenant(world, { templateId: template.id });
  const holder = await connect(source.connection_string);
  await holder.query('BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE');
  const clone = (index: number) => {
    const body = { slug: `patient-${index}`, withData: true };
    return api.post<{ id: string }>(`/api/tenants/${source.id}/clone`, body, { prefer: 'respond-async' });
  };

  const clones = await Promise.all(Array.from({ length: 10 }, (_, index) => clone(index)));
  await until('the first clones wait', async () => {
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1";
    return (await world.server.query(waiting, [source.database_name])).length > 1;
  });
  const another = await createTenant(world, { templateId: template.id });
  await holder.end();

  expect(another.database_name).toBe(source.database_name);
  for (const { data } of clones) {
    const ended = await until('the clone has ended', async () => {
      const operation = (await api.get<{ state: string }>(`/api/operations/${data.id}`)).data;
      return operation.state !== 'running' && operation.state !== 'pending' && operation.state;
    });
    expect(ended).toBe('succeeded');
  }
});

describe('a host group', () => {
  test('makes its next database before the last is full, within its budget', async () => {
    const group = { name: 'small', ownerEmail: 'a@example.com', tenantsPerDatabase: 2, maxDatabases: 2 };
    const { data } = (await api.post<{ id: string }>('/api/host-groups', group)).expect(201);
    const made = async () =>
      (await api.get<{ databases: number; tenants: number }>(`/api/host-groups/${data.id}`)).data;

    const homes = [];
    for (let count = 0; count < 4; count += 1) homes.push(await createTenant(world, { hostGroup: 'small' }));

    expect(new Set(homes.map(({ database_id }) => database_id)).size).toBe(2);
    expect(await made()).toMatchObject({ databases: 2, tenants: 4 });
    const refused = (await api.post('/api/tenants', { slug: 'too-many', hostGroup: 'small' })).expect(409);
    expect(refused.problem.code).toBe('NO_ROOM');
    (await api.delete(`/api/host-groups/${data.id}`)).expect(409);
  });

  test('gives many at once their places, each exactly one', async () => {
    const group = { name: 'busy', ownerEmail: 'a@example.com', tenantsPerDatabase: 3 };
    (await api.post('/api/host-groups', group)).expect(201);
    expect((await api.post('/api/host-groups', group)).expect(409).badFields).toEqual(['name']);

    const homes = await Promise.all(
      Array.from({ length: 7 }, () => createTenant(world, { hostGroup: 'busy', templateId: template.id })),
    );

    expect(new Set(homes.map(({ schema_name }) => schema_name)).size).toBe(7);
    expect(new Set(homes.map(({ database_id }) => database_id)).size).toBeGreaterThanOrEqual(3);
    for (const home of homes) expect(await canLogin(home.connection_string_pooled)).toBe(true);
  });
});

test('the point-of-sale template is a tenant on both ports', async () => {
  const pos = await createTemplate(world, posFiles(), 'pos');
  const tenant = await createTenant(world, { templateId: pos.id });

  for (const door of DOORS) {
    const [row] = await query<{ count: number }>(
      tenant[door],
      `SELECT count(*)::int AS count FROM pg_tables WHERE schemaname = current_schema() AND tablename !~ '_\\d{4}_\\d{2}$'`,
    );
    expect(row?.count).toBe(51);
  }
  await query(tenant.connection_string_pooled, "INSERT INTO products (sku, name) VALUES ('1', 'apple')");
  await until('the row is there', async () => (await names(tenant)).length === 1);
});

test('a suspended host lets nobody in who lives there, and everybody again once it is resumed', async () => {
  const { database, host } = await createHost(world);
  const tenant = await createTenant(world, { databaseId: database.id, templateId: template.id });
  const doors = [
    tenant.connection_string,
    tenant.connection_string_pooled,
    host.app.connection_string_pooled,
  ];
  const live = await connect(tenant.connection_string);

  (await api.post(`/api/databases/${database.id}/suspend`)).expect(200);

  for (const door of doors) expect(await canLogin(door)).toBe(false);
  expect(await errorCodeOf(live.query('SELECT 1'))).not.toBeNull();
  (await api.post(`/api/databases/${database.id}/resume`)).expect(200);
  for (const door of doors) await until('the door is open again', () => canLogin(door));
});

describe('a template that needs an extension', () => {
  test('runs in a database that lacked it', async () => {
    const citext = [{ name: '01.sql', sql: 'CREATE TABLE products (name citext PRIMARY KEY);' }];
    const needy = await createTemplate(world, citext);
    const { database } = await createHost(world);

    const tenant = await createTenant(world, { templateId: needy.id, databaseId: database.id });

    expect(await names(tenant)).toEqual([]);
    const own = { slug: 'needy-own', templateId: needy.id, isolation: 'database', extensions: ['citext'] };
    expect(await names(await createTenant(world, own))).toEqual([]);
    (await api.post('/api/tenants', { slug: 'needy-schema', extensions: ['citext'] })).expect(400);
  });
});
