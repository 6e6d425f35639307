import { describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { whenEnded } from '../support/login-from.js';
import { mapParallel } from '../support/parallel.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { addVersion, createHost, createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, control, server } = world;
const DENIED = '42501';

interface Role {
  id: string;
  name: string;
  username: string;
  access: string;
  status: string;
  max_connections: number;
  allowed_cidrs: string[] | null;
  expires_at: string | null;
  connection_string: string;
  connection_string_pooled: string;
  shadow_database_url?: string | null;
}

interface NewRole extends Role {
  password: string;
}

async function createRole(path: string, fields: object = {}): Promise<NewRole> {
  const body = { name: 'extra', access: 'readonly', ...fields };
  return (await api.post<NewRole>(`${path}/roles`, body)).expect(201).data;
}

async function makeDatabase(): Promise<{ path: string; home: NewDatabase }> {
  const home = await createDatabase(world);
  await query(home.connection_string, 'CREATE TABLE notes (id serial PRIMARY KEY, text text)');
  await query(home.connection_string, "INSERT INTO notes (text) VALUES ('first')");
  await query(home.connection_string, 'CREATE SCHEMA more; CREATE TABLE more.things AS SELECT 1 AS id');
  return { path: `/api/databases/${home.id}`, home };
}

async function makeTenant(fields: object = {}) {
  const template = await createTemplate(world);
  const home = await createTenant(world, { templateId: template.id, ...fields });
  return { path: `/api/tenants/${home.id}`, home, template };
}

/** What a statement is refused with; null when it runs. A session of its own, so that nothing carries over. */
function refusal({ connection_string }: Role | NewDatabase | NewTenant, sql: string): Promise<string | null> {
  return errorCodeOf(query(connection_string, sql));
}

describe('a readonly role of a database', () => {
  test('reads what there is and what is made later, on both ports', async () => {
    const { path, home } = await makeDatabase();

    const role = await createRole(path, { name: 'reporting' });

    expect(role).toMatchObject({
      username: `${home.username}_reporting`,
      access: 'readonly',
      status: 'active',
      allowed_cidrs: null,
      expires_at: null,
      shadow_database_url: null,
    });
    for (const string of [role.connection_string, role.connection_string_pooled]) {
      expect(await query(string, 'SELECT text FROM notes')).toEqual([{ text: 'first' }]);
      expect(await query(string, 'SELECT id FROM more.things')).toEqual([{ id: 1 }]);
    }
    await query(
      home.connection_string_pooled,
      `CREATE TABLE later AS SELECT 2 AS id; CREATE SCHEMA tomorrow; CREATE TABLE tomorrow.t AS SELECT 3 AS id;
       CREATE VIEW tomorrow.v AS SELECT id FROM tomorrow.t; CREATE SEQUENCE tomorrow.s`,
    );
    const later = 'SELECT l.id AS l, v.id AS v, s.is_called FROM later l, tomorrow.v, tomorrow.s';
    expect(await query(role.connection_string, later)).toEqual([{ l: 2, v: 3, is_called: false }]);
  });

  test('changes nothing, makes nothing, and becomes nobody', async () => {
    const { path, home } = await makeDatabase();
    const role = await createRole(path);
    const attempts = [
      "INSERT INTO notes (text) VALUES ('mine')",
      "UPDATE notes SET text = ''",
      'DELETE FROM notes',
      'TRUNCATE notes',
      "SELECT nextval('notes_id_seq')",
      'CREATE TABLE mine (id int)',
      'CREATE TABLE more.mine (id int)',
      'CREATE TEMPORARY TABLE mine (id int)',
      'CREATE SCHEMA mine',
      'DROP TABLE notes',
      'ALTER TABLE notes ADD COLUMN mine int',
      `SET ROLE ${home.username}`,
      `SET ROLE ${home.username}_rw`,
      `GRANT ${home.username} TO ${role.username}`,
      'SELECT rolpassword FROM pg_authid',
      `ALTER ROLE ${home.username} PASSWORD 'mine'`,
      "COPY notes TO PROGRAM 'true'",
      'CREATE ROLE mine',
    ];

    for (const sql of attempts) expect([sql, await refusal(role, sql)]).toEqual([sql, DENIED]);
    expect(await query(home.connection_string, 'SELECT count(*)::int AS n FROM notes')).toEqual([{ n: 1 }]);
  });

  test('reaches no other home, nor the shadow database of its own', async () => {
    const { path } = await makeDatabase();
    (await api.post(`${path}/shadow`)).expect(200);
    const other = await makeDatabase();
    const role = await createRole(path);
    await createRole(other.path);

    for (const port of [role.connection_string, role.connection_string_pooled]) {
      const elsewhere = new URL(port);
      elsewhere.pathname = `/${other.home.database_name}`;
      expect(await canLogin(String(elsewhere))).toBe(false);
      elsewhere.pathname = `${new URL(port).pathname}_shadow`;
      expect(await canLogin(String(elsewhere))).toBe(false);
    }
    const seen = await query<{ rolname: string }>(
      role.connection_string,
      "SELECT rolname FROM pg_roles WHERE rolname ~ '^user_'",
    );
    expect(seen.filter(({ rolname }) => rolname.startsWith(other.home.username))).toEqual([]);
  });
});

test('a readwrite role changes rows of today’s and tomorrow’s tables, and no tables', async () => {
  const { path, home } = await makeDatabase();
  const role = await createRole(path, { access: 'readwrite' });
  await query(home.connection_string, 'CREATE TABLE later (id serial, text text)');

  await query(role.connection_string_pooled, "INSERT INTO notes (text) VALUES ('mine')");
  await query(role.connection_string, "INSERT INTO later (text) VALUES ('mine'); DELETE FROM later");
  await query(role.connection_string, 'CREATE TEMPORARY TABLE scratch (id int)');

  for (const sql of [
    'CREATE TABLE mine (id int)',
    'DROP TABLE later',
    'TRUNCATE later',
    `SET ROLE ${home.username}`,
  ]) {
    expect([sql, await refusal(role, sql)]).toEqual([sql, DENIED]);
  }
});

test('an owner does all that its home does, and what it makes belongs to the home', async () => {
  const { path, home } = await makeDatabase();
  const role = await createRole(path, { access: 'owner' });
  (await api.post(`${path}/shadow`)).expect(200);

  for (const string of [
    role.connection_string,
    role.connection_string_pooled,
    role.shadow_database_url ?? '',
  ]) {
    await query(string, 'DROP TABLE IF EXISTS made; CREATE TABLE made (id int)');
    const owner = "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'made'";
    expect(await query(string, owner)).toEqual([{ owner: home.username }]);
  }
  expect(await refusal(role, 'SET ROLE NONE; CREATE TABLE mine (id int)')).toBe(DENIED);
  await query(home.connection_string, 'DROP TABLE made');
});

describe('in a tenant’s schema', () => {
  test('a readonly role reads its tables, later versions and its own row, and no other tenant’s', async () => {
    const { path, home, template } = await makeTenant();
    const other = await createTenant(world, { templateId: template.id, databaseId: home.database_id });
    await createRole(`/api/tenants/${other.id}`);
    const role = await createRole(path, { name: 'bi' });
    await addVersion(world, template, 'CREATE TABLE invoices (id int); INSERT INTO invoices VALUES (7)');
    const migration = await api.post<{ id: string }>('/api/migrations', { templateId: template.id });
    expect(migration.status).toBeLessThan(300);
    await until('the version is there', async () => (await refusal(home, 'SELECT FROM invoices')) === null);

    expect(role.username).toBe(`${home.username}_bi`);
    expect(role).not.toHaveProperty('shadow_database_url');
    for (const string of [role.connection_string, role.connection_string_pooled]) {
      expect(await query(string, 'SELECT value FROM settings')).toEqual([{ value: 'EUR' }]);
      expect(await query(string, 'SELECT id FROM invoices')).toEqual([{ id: 7 }]);
      expect(await query(string, 'SELECT slug FROM tenants')).toEqual([{ slug: home.slug }]);
    }
    const attempts = [
      "INSERT INTO settings VALUES ('a', 'b')",
      'DELETE FROM settings',
      'CREATE TABLE mine (id int)',
      'CREATE TEMPORARY TABLE mine (id int)',
      `SELECT FROM ${other.schema_name}.settings`,
      'SELECT password_hash FROM shared.users',
      'SELECT mfa_secret FROM shared.users',
      'SELECT token_hash FROM shared.sessions',
      `SET ROLE ${home.username}`,
      `SET ROLE ${home.database_name}_readonly`,
    ];
    for (const sql of attempts) expect([sql, await refusal(role, sql)]).toEqual([sql, DENIED]);
  });

  test.each(['readwrite', 'owner'])(
    'a role for %s has the rights of the tenant’s own login',
    async (access) => {
      const { path, home, template } = await makeTenant();
      const other = await createTenant(world, { templateId: template.id, databaseId: home.database_id });
      const role = await createRole(path, { access });

      await query(role.connection_string_pooled, "UPDATE settings SET value = 'CHF'");

      expect(await query(home.connection_string, 'SELECT value FROM settings')).toEqual([{ value: 'CHF' }]);
      expect(await query(role.connection_string, 'SELECT slug FROM tenants')).toEqual([{ slug: home.slug }]);
      for (const sql of [
        'DROP TABLE settings',
        'CREATE TABLE mine (id int)',
        `SELECT FROM ${other.schema_name}.settings`,
      ]) {
        expect([sql, await refusal(role, sql)]).toEqual([sql, await refusal(home, sql)]);
      }
    },
  );

  test('a clone has none of the roles', async () => {
    const { path } = await makeTenant();
    await createRole(path);

    const body = { slug: `clone-${Date.now()}`, withData: true };
    const clone = (await api.post<NewTenant>(`${path}/clone`, body)).expect(201).data;

    expect((await api.get(`/api/tenants/${clone.id}/roles`)).data).toEqual([]);
  });
});

test('a tenant with a database of its own shares its roles with that database', async () => {
  const { path, home } = await makeTenant({ isolation: 'database' });

  const reader = await createRole(path);
  const writer = await createRole(path, { name: 'writer', access: 'readwrite' });

  const list = (await api.get<Role[]>(`/api/databases/${home.database_id}/roles`)).expect(200).data;
  expect(list.map(({ id }) => id)).toEqual([writer.id, reader.id]);
  expect(await query(reader.connection_string, 'SELECT value FROM settings')).toEqual([{ value: 'EUR' }]);
  await query(writer.connection_string_pooled, "UPDATE settings SET value = 'CHF'");
  expect(await refusal(reader, 'DELETE FROM settings')).toBe(DENIED);
  expect(await refusal(reader, 'SELECT * FROM shared.users')).toBeNull();
  for (const role of [reader, writer]) {
    expect(await refusal(role, "UPDATE shared.users SET email = 'x@example.com'")).toBe(DENIED);
  }
});

test('a hosting database’s readers see of its tenants what its _readonly role does', async () => {
  const { database } = await createHost(world);
  const path = `/api/databases/${database.id}`;
  const template = await createTemplate(world);
  const tenant = await createTenant(world, { templateId: template.id, databaseId: database.id });

  for (const access of ['readonly', 'readwrite']) {
    const role = await createRole(path, { name: `r_${access}`, access });
    const settings = `${tenant.schema_name}.settings`;
    expect(await query(role.connection_string, `SELECT value FROM ${settings}`)).toEqual([{ value: 'EUR' }]);
    const attempts = [
      'SELECT password_hash FROM shared.users',
      'SELECT mfa_secret FROM shared.users',
      'SELECT token_hash FROM shared.sessions',
      'SELECT * FROM shared.users',
      `DELETE FROM ${settings}`,
      "UPDATE shared.tenants SET name = ''",
    ];
    for (const sql of attempts) expect([sql, await refusal(role, sql)]).toEqual([sql, DENIED]);
  }
});

describe('a temporary role', () => {
  test('ends by itself: sessions on both ports, logins, role and row', async () => {
    const { path, home } = await makeDatabase();
    const expiresAt = new Date(Date.now() + 2_500);
    const role = await createRole(path, { expiresAt: expiresAt.toISOString(), access: 'owner' });
    const kept = await createRole(path, { name: 'kept' });
    const direct = await connect(role.connection_string);
    const pooled = await connect(role.connection_string_pooled);
    const ended = [direct, pooled].map(whenEnded);
    const innocent = await connect(kept.connection_string_pooled);
    await Promise.all([pooled.query('SELECT 1'), innocent.query('BEGIN')]);
    expect(role.expires_at).toBe(expiresAt.toISOString());

    await Promise.all(ended);

    expect(Date.now() - expiresAt.getTime()).toBeGreaterThan(-50);
    expect(await canLogin(role.connection_string)).toBe(false);
    expect(await canLogin(role.connection_string_pooled)).toBe(false);
    expect(await errorCodeOf(innocent.query('SELECT 1'))).toBeNull();
    await until('it is gone', async () => (await api.get(`${path}/roles/${role.id}`)).status === 404);
    expect(await server.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role.username])).toEqual([]);
    const audit = "SELECT actor_type FROM audit_logs WHERE resource_id = $1 AND action = 'role.expire'";
    expect(await control.query(audit, [role.id])).toEqual([{ actor_type: 'system' }]);
    expect(await canLogin(home.connection_string)).toBe(true);
  });

  test('is refused by PostgreSQL itself, with nobody to drop it', async () => {
    const { path } = await makeDatabase();
    const role = await createRole(path, { expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
    const [row] = await server.query('SELECT rolvaliduntil AS until FROM pg_roles WHERE rolname = $1', [
      role.username,
    ]);
    expect(row?.until.toISOString()).toBe(role.expires_at);

    await server.query(`ALTER ROLE ${role.username} VALID UNTIL '2020-01-01'`);

    expect(await loginError(role.connection_string)).not.toBeNull();
    expect(await canLogin(role.connection_string_pooled)).toBe(false);
  });
});

test.each(['database', 'tenant'])(
  'a client of a deleted role of a %s is not served by a role of the same name, where single clients cannot be cut',
  async (kind) => {
    const { path, home } = kind === 'database' ? await makeDatabase() : await makeTenant();
    withoutPrograms();
    const former = await createRole(path);
    const idle = await connect(former.connection_string_pooled);
    const used = await connect(former.connection_string_pooled);
    await used.query('SELECT 1');
    (await api.delete(`${path}/roles/${former.id}`)).expect(200);

    const role = await createRole(path);

    expect(role.username).toBe(former.username);
    for (const client of [idle, used]) expect(await errorCodeOf(client.query('SELECT 1'))).not.toBeNull();
    for (const { connection_string_pooled } of [role, home]) {
      expect(await canLogin(connection_string_pooled)).toBe(true);
    }
  },
);

/** For the rest of the test, as on a machine without `ss`: a PgBouncer before 1.24 then ends all clients or none. */
function withoutPrograms(): void {
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  onTestFinished(() => {
    process.env.PATH = path;
  });
}

test('networks of its own hold on both ports, and change at once', async () => {
  const { path, home } = await makeDatabase();

  const role = await createRole(path, { allowedCidrs: ['127.0.0.9', '10.0.0.0/8', '127.0.0.9/32'] });

  expect(role.allowed_cidrs).toEqual(['10.0.0.0/8', '127.0.0.9/32']);
  expect(await canLogin(role.connection_string)).toBe(false);
  expect(await canLogin(role.connection_string_pooled)).toBe(false);
  expect(await canLogin(home.connection_string)).toBe(true);

  (await api.patch(`${path}/roles/${role.id}`, { allowedCidrs: ['127.0.0.1'] })).expect(200);
  const sessions = [await connect(role.connection_string), await connect(role.connection_string_pooled)];
  await sessions[1]?.query('SELECT 1');

  (await api.patch(`${path}/roles/${role.id}`, { allowedCidrs: ['127.0.0.9'] })).expect(200);
  for (const session of sessions) expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await canLogin(home.connection_string_pooled)).toBe(true);

  const open = (await api.patch<Role>(`${path}/roles/${role.id}`, { allowedCidrs: null })).expect(200).data;
  expect(open.allowed_cidrs).toBeNull();
  expect(await canLogin(role.connection_string)).toBe(true);
});

test('a change takes effect: end and limit', async () => {
  const { path } = await makeDatabase();
  const role = await createRole(path, { maxConnections: 2 });
  const expiresAt = '2035-01-31T13:00:00+01:00';

  const changed = (
    await api.patch<Role>(`${path}/roles/${role.id}`, { maxConnections: 3, expiresAt })
  ).expect(200).data;

  expect(changed).toMatchObject({ max_connections: 3, expires_at: '2035-01-31T12:00:00.000Z' });
  const sql = 'SELECT rolconnlimit AS n, rolvaliduntil AS until FROM pg_roles WHERE rolname = $1';
  expect(await server.query(sql, [role.username])).toEqual([{ n: 3, until: new Date(expiresAt) }]);
  const pooled = await mapParallel([...Array(10)], 10, () =>
    query(role.connection_string_pooled, 'SELECT pg_sleep(0.05)'),
  );
  expect(pooled).toHaveLength(10);
  (await api.patch(`${path}/roles/${role.id}`, { expiresAt: null })).expect(200);
});

test('a password is shown once, revealed to whom may, and rotated', async () => {
  const { path } = await makeDatabase();
  const role = await createRole(path);
  const live = await connect(role.connection_string_pooled);
  await live.query('SELECT 1');
  const show = `${path}/roles/${role.id}`;

  expect(JSON.stringify((await api.get(show)).data)).not.toContain(role.password);
  expect((await api.get<Role>(`${show}?reveal=true`)).data.connection_string).toBe(role.connection_string);
  const reader = await keyFor(['roles:read']);
  expect((await api.get(`${show}?reveal=true`, { key: reader })).status).toBe(403);

  const fresh = (await api.post<NewRole>(`${show}/rotate-credentials`, {})).expect(200).data;
  expect(await canLogin(role.connection_string)).toBe(false);
  expect(await canLogin(role.connection_string_pooled)).toBe(false);
  expect(await canLogin(fresh.connection_string)).toBe(true);
  expect(await canLogin(fresh.connection_string_pooled)).toBe(true);
  expect(await errorCodeOf(live.query('SELECT 1'))).toBeNull();

  (await api.post(`${show}/rotate-credentials`, { endSessions: true })).expect(200);
  expect(await errorCodeOf(live.query('SELECT 1'))).not.toBeNull();
  const audit = 'SELECT before::text || after::text AS text FROM audit_logs WHERE resource_id = $1';
  expect(JSON.stringify(await control.query(audit, [role.id]))).not.toContain(fresh.password);
});

async function keyFor(scopes: string[], more: object = {}): Promise<string> {
  const answer = await api.post<{ key: string }>('/api/api-keys', { name: 'test', scopes, ...more });
  return answer.expect(201).data.key;
}

test.each(['database', 'tenant'])('follows its home, a %s: suspended, resumed, deleted', async (kind) => {
  const { path, home } = kind === 'database' ? await makeDatabase() : await makeTenant();
  const roles = [
    await createRole(path),
    await createRole(path, { name: 'writer', access: 'readwrite' }),
    await createRole(path, { name: 'owner', access: 'owner' }),
  ];
  const session = await connect((roles[0] as Role).connection_string);

  (await api.post(`${path}/suspend`)).expect(200);
  const late = await createRole(path, { name: 'late' });
  expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  for (const role of [...roles, late]) {
    expect(await canLogin(role.connection_string)).toBe(false);
    expect(await canLogin(role.connection_string_pooled)).toBe(false);
  }
  (await api.post(`${path}/resume`)).expect(200);
  for (const role of [...roles, late]) expect(await canLogin(role.connection_string_pooled)).toBe(true);

  const dropped = roles[0] as Role;
  expect((await api.delete(`${path}/roles/${dropped.id}`)).expect(200).data).toMatchObject({
    status: 'deleted',
  });
  expect(await canLogin(dropped.connection_string)).toBe(false);

  (await api.delete(path)).expect(200);
  expect(await server.query('SELECT rolname FROM pg_roles WHERE rolname ^@ $1', [home.username])).toEqual([]);
});

test('is as the reconciler expects it, and made again where it is missing', async () => {
  const database = await makeDatabase();
  const tenant = await makeTenant();
  const roles: Role[] = [];
  for (const { path } of [database, tenant]) {
    for (const access of ['readonly', 'readwrite', 'owner'])
      roles.push(await createRole(path, { name: `r_${access}`, access }));
  }
  const names = [database.home.username, database.home.database_name, tenant.home.username];
  const findings = async (repair = false) => {
    const [{ id } = { id: '' }] = (await api.get<{ id: string }[]>('/api/servers')).data;
    const answer = await api.post<{ findings: { name: string }[] }>(`/api/servers/${id}/reconcile`, {
      repair,
    });
    return answer.expect(200).data.findings.filter(({ name }) => names.some((own) => name.startsWith(own)));
  };
  expect(await findings()).toEqual([]);

  const [reader, writer, owner] = roles as [Role, Role, Role];
  await server.query(`DROP OWNED BY ${reader.username}; DROP ROLE ${reader.username}`);
  await server.query(
    `ALTER ROLE ${writer.username} CREATEDB; ALTER ROLE ${owner.username} VALID UNTIL '2020-01-01'`,
  );
  expect(await findings()).toHaveLength(3);
  await findings(true);

  expect(await findings()).toEqual([]);
  for (const role of roles) expect(await canLogin(role.connection_string)).toBe(true);
});

test('a tenant-bound key makes roles for its own tenant only', async () => {
  const own = await makeTenant();
  const other = await makeTenant();
  const key = await keyFor(['roles:read', 'roles:write'], { tenantIds: [own.home.id] });
  const body = { name: 'mine', access: 'readonly' };

  const made = (await api.post<NewRole>(`${own.path}/roles`, body, { key })).expect(201).data;
  const foreign = await createRole(other.path);

  expect((await api.post(`${other.path}/roles`, body, { key })).status).toBe(404);
  expect((await api.get(`${other.path}/roles/${foreign.id}`, { key })).status).toBe(404);
  expect((await api.get(`${own.path}/roles/${foreign.id}`, { key })).status).toBe(404);
  expect((await api.delete(`${own.path}/roles/${foreign.id}`, { key })).status).toBe(404);
  expect((await api.get(`${own.path}/roles/${made.id}`, { key })).status).toBe(200);
  expect((await api.get(`/api/databases/${own.home.database_id}/roles`, { key })).status).toBe(404);
});

test('the same Idempotency-Key makes one role', async () => {
  const { path } = await makeDatabase();
  const body = { name: 'once', access: 'readonly' };

  const post = () => api.post<Role>(`${path}/roles`, body, { idempotencyKey: 'role-once' });
  const answers = await Promise.all([post(), post()]);
  const made = answers.filter(({ status }) => status === 201).map(({ data }) => data.id);

  // The one that comes second is told to wait, or gets the first one's answer.
  expect(answers.map(({ status }) => status).sort()).toEqual([201, made.length === 2 ? 201 : 409]);
  expect(new Set(made).size).toBe(1);
  expect((await api.get<Role[]>(`${path}/roles`)).data.map(({ id }) => id)).toEqual([made[0]]);
});

describe('refuses', () => {
  const shared = createDatabase(world);
  const future = new Date(Date.now() + 86_400_000).toISOString();

  test.each([
    ['name', { name: 'Reporting' }],
    ['name', { name: '1st' }],
    ['name', { name: 'a'.repeat(21) }],
    ['name', { name: 'a-b' }],
    ['name', { name: '' }],
    ['name', { name: 'ro' }],
    ['name', { name: 'provisioner' }],
    ['name', { name: 5 }],
    ['access', { access: 'superuser' }],
    ['access', { access: null }],
    ['expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['expiresAt', { expiresAt: 'tomorrow' }],
    ['expiresAt', { expiresAt: '2035-01-01T00:00:00' }],
    ['allowedCidrs', { allowedCidrs: ['10.0.0.1/8'] }],
    ['allowedCidrs', { allowedCidrs: [] }],
    ['allowedCidrs', { allowedCidrs: ['nowhere'] }],
    ['allowedCidrs', { allowedCidrs: '10.0.0.0/8' }],
    ['maxConnections', { maxConnections: 0 }],
    ['maxConnections', { maxConnections: 9_999 }],
    ['maxConnections', { maxConnections: '3' }],
    ['superuser', { superuser: true }],
  ])('%s as in %j', async (field, fields) => {
    const { id } = await shared;
    const body = { name: 'fine', access: 'readonly', expiresAt: future, ...fields };

    const answer = await api.post(`/api/databases/${id}/roles`, body);

    expect(answer.status).toBe(400);
    expect(answer.problem.errors?.map((error) => error.field)).toEqual([field]);
  });

  test('a change of what cannot change, an unknown role, and a name that is taken', async () => {
    const path = `/api/databases/${(await shared).id}`;
    const role = await createRole(path, { name: 'taken' });
    const unknown = '3f0f4f0e-0000-4000-8000-000000000000';

    expect((await api.patch(`${path}/roles/${role.id}`, { access: 'owner' })).status).toBe(400);
    expect((await api.patch(`${path}/roles/${role.id}`, { expiresAt: '2020-01-01T00:00:00Z' })).status).toBe(
      400,
    );
    expect((await api.patch(`${path}/roles/${role.id}`, { maxConnections: null })).status).toBe(400);
    expect((await api.get(`${path}/roles/${unknown}`)).status).toBe(404);
    expect((await api.delete(`${path}/roles/${unknown}`)).status).toBe(404);
    expect((await api.get(`${path}/roles/nonsense`)).status).toBe(400);
    const taken = await api.post(`${path}/roles`, { name: 'taken', access: 'owner' });
    expect([taken.status, taken.problem.errors?.[0]?.field]).toEqual([409, 'name']);
    expect((await api.post(`/api/databases/${unknown}/roles`, { name: 'a', access: 'owner' })).status).toBe(
      404,
    );
  });
});
