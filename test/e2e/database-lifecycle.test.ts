import { expect, test } from 'vitest';
import { createDatabase, type Database, databaseBody, type NewDatabase } from '../support/databases.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, server } = world;
const INVALID_PASSWORD = '28P01';

interface Strings {
  connection_string: string;
  connection_string_pooled: string;
  revealed: boolean;
  formatted?: string;
}

test('a new database works at once through both ports', async () => {
  const database = await createDatabase(world, { maxConnections: 7 });

  await query(database.connection_string, 'CREATE TABLE notes (id int PRIMARY KEY, text text)');
  await query(database.connection_string_pooled, "INSERT INTO notes VALUES (1, 'über')");

  expect(await query(database.connection_string, 'SELECT text FROM notes')).toEqual([{ text: 'über' }]);
  expect(database).toMatchObject({ status: 'active', max_connections: 7 });
  expect(database.database_name).toMatch(/^tenant_[0-9a-f]{8}$/);
  expect(database.username).toMatch(/^user_[0-9a-f]{8}$/);
});

test('the password is shown once: later answers are masked, unless revealed', async () => {
  const { id, password, connection_string } = await createDatabase(world);

  const got = (await api.get<Database>(`/api/databases/${id}`)).expect(200).data;
  const masked = (await api.get<Strings>(`/api/databases/${id}/connection-strings`)).expect(200).data;
  const whole = (await api.get<Strings>(`/api/databases/${id}/connection-strings?reveal=true`)).expect(
    200,
  ).data;

  expect(JSON.stringify(got)).not.toContain(password);
  expect(masked.connection_string).toBe(connection_string.replace(password, '***'));
  expect(whole).toMatchObject({ connection_string, revealed: true });
});

test('revealing leaves an audit row', async () => {
  const { id } = await createDatabase(world);

  (await api.get(`/api/databases/${id}/connection-strings?reveal=true`)).expect(200);

  const rows = await world.control.query(
    "SELECT 1 FROM audit_logs WHERE resource_id = $1 AND action = 'database.reveal_credentials'",
    [id],
  );
  expect(rows).toHaveLength(1);
});

test.each(['prisma', 'typeorm', 'drizzle', 'libpq', 'jdbc', 'env'])(
  'offers its strings as %s',
  async (format) => {
    const { id, password } = await createDatabase(world);

    const path = `/api/databases/${id}/connection-strings?format=${format}`;
    const masked = (await api.get<Strings>(path)).expect(200).data;
    const whole = (await api.get<Strings>(`${path}&reveal=true`)).expect(200).data;

    expect(masked.formatted).not.toContain(password);
    expect(whole.formatted).toContain(password);
  },
);

test('a suspended database refuses logins on both ports, ends its sessions and keeps its data', async () => {
  const database = await createDatabase(world);
  await query(database.connection_string, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const direct = await connect(database.connection_string);
  const pooled = await connect(database.connection_string_pooled);
  await pooled.query('BEGIN');

  const suspended = (await api.post<Database>(`/api/databases/${database.id}/suspend`)).expect(200).data;

  expect(suspended.status).toBe('suspended');
  expect(await errorCodeOf(direct.query('SELECT 1'))).not.toBeNull();
  expect(await errorCodeOf(pooled.query('SELECT 1'))).not.toBeNull();
  expect(await canLogin(database.connection_string)).toBe(false);
  expect(await canLogin(database.connection_string_pooled)).toBe(false);

  (await api.post(`/api/databases/${database.id}/resume`)).expect(200);

  expect(await query(database.connection_string, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(await query(database.connection_string_pooled, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('rotated credentials replace the old ones on both ports at once', async () => {
  const old = await createDatabase(world);
  await query(old.connection_string_pooled, 'SELECT 1');

  const fresh = (await api.post<NewDatabase>(`/api/databases/${old.id}/rotate-credentials`, {})).expect(
    200,
  ).data;

  expect(fresh.password).not.toBe(old.password);
  expect(await loginError(old.connection_string)).toBe(INVALID_PASSWORD);
  expect(await canLogin(old.connection_string_pooled)).toBe(false);
  expect(await canLogin(fresh.connection_string)).toBe(true);
  expect(await canLogin(fresh.connection_string_pooled)).toBe(true);
});

test('rotation leaves live sessions alone, or ends them when asked', async () => {
  const database = await createDatabase(world);
  const session = await connect(database.connection_string);
  const pooled = await connect(database.connection_string_pooled);
  await pooled.query('SELECT 1');

  (await api.post(`/api/databases/${database.id}/rotate-credentials`, {})).expect(200);
  expect(await errorCodeOf(session.query('SELECT 1'))).toBeNull();
  expect(await errorCodeOf(pooled.query('SELECT 1'))).toBeNull();

  (await api.post(`/api/databases/${database.id}/rotate-credentials`, { endSessions: true })).expect(200);
  expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await errorCodeOf(pooled.query('SELECT 1'))).not.toBeNull();
});

test('credentials rotated while suspended hold once it is resumed', async () => {
  const old = await createDatabase(world);
  (await api.post(`/api/databases/${old.id}/suspend`)).expect(200);

  const fresh = (await api.post<NewDatabase>(`/api/databases/${old.id}/rotate-credentials`, {})).expect(
    200,
  ).data;
  expect(await canLogin(fresh.connection_string)).toBe(false);
  (await api.post(`/api/databases/${old.id}/resume`)).expect(200);

  expect(await canLogin(fresh.connection_string)).toBe(true);
  expect(await canLogin(fresh.connection_string_pooled)).toBe(true);
  expect(await canLogin(old.connection_string)).toBe(false);
});

test('a patch changes limits and timeouts for new connections on both ports', async () => {
  const database = await createDatabase(world, { maxConnections: 5 });
  const changes = {
    friendlyName: 'Renamed',
    maxConnections: 2,
    statementTimeoutMs: 1234,
    ownerEmail: 'new@example.com',
  };

  const patched = (await api.patch<Database>(`/api/databases/${database.id}`, changes)).expect(200).data;

  expect(patched).toMatchObject({
    friendly_name: 'Renamed',
    max_connections: 2,
    owner_email: 'new@example.com',
  });
  const [limit] = await server.query('SELECT rolconnlimit FROM pg_roles WHERE rolname = $1', [
    database.username,
  ]);
  expect(limit).toEqual({ rolconnlimit: 2 });
  for (const url of [database.connection_string, database.connection_string_pooled]) {
    expect(await query(url, 'SHOW statement_timeout')).toEqual([{ statement_timeout: '1234ms' }]);
  }
});

test('a protected database is only deleted after the protection is taken off', async () => {
  const { id } = await createDatabase(world, { deletionProtection: true });

  expect((await api.delete(`/api/databases/${id}`)).expect(409).problem.code).toBe('DELETION_PROTECTED');
  (await api.patch(`/api/databases/${id}`, { deletionProtection: false })).expect(200);

  (await api.delete(`/api/databases/${id}`)).expect(200);
});

test('a deleted database is gone from the server, the pooler and the API, with its sessions', async () => {
  const database = await createDatabase(world, { shadow: true });
  const session = await connect(database.connection_string);
  const pooled = await connect(database.connection_string_pooled);
  await pooled.query('SELECT 1');

  (await api.delete(`/api/databases/${database.id}`)).expect(200);

  expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await errorCodeOf(pooled.query('SELECT 1'))).not.toBeNull();
  expect((await api.get(`/api/databases/${database.id}`)).status).toBe(404);
  const names = `${database.database_name}%`;
  expect(await server.query('SELECT 1 FROM pg_database WHERE datname LIKE $1', [names])).toEqual([]);
  expect(await server.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [database.username])).toEqual([]);
  const aliases = await world.pooler.query<{ name: string }>('SHOW DATABASES');
  expect(aliases.filter(({ name }) => name.startsWith(database.database_name))).toEqual([]);
});

test('the shadow database is separate, made when asked for, resettable, and dropped alone', async () => {
  const { id, ...database } = await createDatabase(world);
  expect(await canLogin(database.shadow_database_url)).toBe(false);

  (await api.post(`/api/databases/${id}/shadow`)).expect(200);
  (await api.post(`/api/databases/${id}/shadow`)).expect(200);
  await query(database.shadow_database_url, 'CREATE TABLE scratch (id int)');
  expect(await query(database.shadow_database_url_pooled, 'SELECT * FROM scratch')).toEqual([]);
  expect(await query(database.connection_string, "SELECT to_regclass('scratch') AS found")).toEqual([
    { found: null },
  ]);

  (await api.post(`/api/databases/${id}/shadow/reset`)).expect(200);
  const emptied = await query(database.shadow_database_url, "SELECT to_regclass('scratch') AS found");
  expect(emptied).toEqual([{ found: null }]);
  expect(await canLogin(database.shadow_database_url_pooled)).toBe(true);

  (await api.delete(`/api/databases/${id}/shadow`)).expect(200);
  expect(await canLogin(database.shadow_database_url)).toBe(false);
  expect(await canLogin(database.connection_string)).toBe(true);
});

test('extensions of the allow-list are installed at creation and later', async () => {
  const database = await createDatabase(world, { extensions: ['pgcrypto', 'citext'] });

  expect(
    await query(database.connection_string, "SELECT length(gen_random_bytes(4)), 'A'::citext = 'a' AS same"),
  ).toEqual([{ length: 4, same: true }]);
  (await api.put(`/api/databases/${database.id}/extensions/pg_trgm`)).expect(200);
  expect(await query(database.connection_string, "SELECT similarity('abc', 'abc')")).toEqual([
    { similarity: 1 },
  ]);
  const refused = (await api.put(`/api/databases/${database.id}/extensions/dblink`)).expect(400);
  expect(refused.problem.errors?.[0]?.field).toBe('name');
});

test('ensure by name creates once, however many ask at once', async () => {
  const path = '/api/databases/by-name/ensured-shop';
  const body = { ownerEmail: 'owner@example.com' };

  const answers = await Promise.all(
    Array.from({ length: 5 }, () => api.put<Database>(path, body, { changesNothing: true })),
  );

  expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 201]);
  expect(new Set(answers.map((answer) => answer.data.id)).size).toBe(1);
  expect(answers.every((answer) => answer.data.status === 'active')).toBe(true);
});

test('ensure by name refuses to choose between two of the same name', async () => {
  await createDatabase(world, { friendlyName: 'twin' });
  await createDatabase(world, { friendlyName: 'twin' });

  const refused = (await api.put('/api/databases/by-name/twin', { ownerEmail: 'owner@example.com' })).expect(
    409,
  );

  expect(refused.problem.code).toBe('AMBIGUOUS_NAME');
});

test('the same Idempotency-Key replays the first answer, password included', async () => {
  const body = databaseBody();
  const options = { idempotencyKey: 'create-once' };

  const first = (await api.post<NewDatabase>('/api/databases', body, options)).expect(201).data;
  const second = (await api.post<NewDatabase>('/api/databases', body, options)).expect(201).data;
  const other = (await api.post('/api/databases', databaseBody(), options)).expect(409);

  expect(second).toEqual(first);
  expect(other.problem.code).toBe('IDEMPOTENCY_KEY_REUSED');
});

test('respond-async answers at once with where to follow it, and the credentials', async () => {
  const body = databaseBody({ maxConnections: 3 });
  const answer = await api.post<{ credentials: NewDatabase }>('/api/databases', body, {
    prefer: 'respond-async',
  });

  expect(answer.status).toBe(202);
  const location = answer.headers.get('location') ?? '';
  await until('the operation has succeeded', async () => {
    const { data } = await api.get<{ state: string }>(location);
    return data.state === 'succeeded';
  });
  expect(await canLogin(answer.data.credentials.connection_string)).toBe(true);
});

test('lists are filtered, searched, sorted and paged', async () => {
  const names = ['list Alpha', 'list beta', 'list 50%'];
  for (const friendlyName of names)
    await createDatabase(world, { friendlyName, ownerEmail: 'lister@example.com' });
  const list = async (query: string) =>
    (await api.get<Database[]>(`/api/databases?ownerEmail=LISTER@example.com&${query}`)).expect(200);

  const all = await list('sort=created_at');
  const found = await list(`search=${encodeURIComponent('50%')}`);
  const first = await list('sort=created_at&limit=2');
  const rest = await list(`sort=created_at&limit=2&cursor=${first.nextCursor}`);

  expect(all.data.map((row) => row.friendly_name)).toEqual(names);
  expect(found.data.map((row) => row.friendly_name)).toEqual(['list 50%']);
  expect([...first.data, ...rest.data].map((row) => row.friendly_name)).toEqual(names);
  expect(rest.nextCursor).toBeNull();
});
