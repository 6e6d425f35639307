import { describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { getsIn } from '../support/login-from.js';
import { reconnectFor } from '../support/pgbench.js';
import { canLogin, connect, errorCodeOf, loginError, query } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, control, server } = world;

interface Rotated extends NewDatabase {
  previous: { username: string; ends_at: string } | null;
}

interface Logins {
  current: { username: string; since: string };
  previous: {
    username: string;
    ends_at: string;
    ends_when_unused: boolean;
    sessions: {
      direct: number;
      pooled: number;
      list: { port: string; address: string | null; application_name: string; since: string }[];
    };
  } | null;
}

interface Home {
  readonly path: string;
  readonly home: NewDatabase | NewTenant;
}

const MAKERS: Record<string, () => Promise<Home>> = {
  'a database': async () => {
    const home = await createDatabase(world);
    return { path: `/api/databases/${home.id}`, home };
  },
  'a tenant in a schema': async () => {
    const { id: templateId } = await createTemplate(world);
    const home = await createTenant(world, { templateId });
    return { path: `/api/tenants/${home.id}`, home };
  },
  'a tenant with a database': async () => {
    const { id: templateId } = await createTemplate(world);
    const home = await createTenant(world, { templateId, isolation: 'database' });
    return { path: `/api/tenants/${home.id}`, home };
  },
};
const KINDS = Object.keys(MAKERS);

function make(kind: string): Promise<Home> {
  return (MAKERS[kind] as () => Promise<Home>)();
}

async function rotate(path: string, body: object): Promise<Rotated> {
  return (await api.post<Rotated>(`${path}/rotate-credentials`, body)).expect(200).data;
}

async function logins(path: string): Promise<Logins> {
  return (await api.get<Logins>(`${path}/credentials`)).expect(200).data;
}

async function endOverlap(path: string): Promise<Logins> {
  return (await api.delete<Logins>(`${path}/credentials/previous`)).expect(200).data;
}

type Strings = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;

function doorsOf(strings: Strings): [port: string, string: string][] {
  return [
    ['direct', strings.connection_string],
    ['pooled', strings.connection_string_pooled],
  ];
}

async function open(strings: Strings): Promise<Record<string, boolean>> {
  const entries = doorsOf(strings).map(async ([port, string]) => [port, await canLogin(string)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

const BOTH = { direct: true, pooled: true };
const NEITHER = { direct: false, pooled: false };

describe.each(KINDS)('%s, rotated with a grace', (kind) => {
  test('has two logins that work on both ports, and then only the new one', async () => {
    const { path, home: old } = await make(kind);
    expect(await logins(path)).toMatchObject({ current: { username: old.username }, previous: null });

    const fresh = await rotate(path, { graceSeconds: 600 });

    expect(fresh.username).toBe(`${old.username}_2`);
    expect(fresh.previous?.username).toBe(old.username);
    expect(Date.parse(fresh.previous?.ends_at ?? '') - Date.now()).toBeGreaterThan(590_000);
    expect(await open(old)).toEqual(BOTH);
    expect(await open(fresh)).toEqual(BOTH);
    expect((await api.get<NewDatabase>(path)).data.username).toBe(fresh.username);
    const whole = (await api.get<Strings>(`${path}/connection-strings?reveal=true`)).expect(200).data;
    expect(whole.connection_string_pooled).toBe(fresh.connection_string_pooled);

    expect((await endOverlap(path)).previous).toBeNull();

    expect(await open(old)).toEqual(NEITHER);
    expect(await open(fresh)).toEqual(BOTH);
  });

  test('acts as its own role with either login, also after DISCARD ALL', async () => {
    const { path, home: old } = await make(kind);
    const fresh = await rotate(path, { graceSeconds: 600 });

    for (const [, string] of doorsOf(fresh)) {
      const session = await connect(string);
      const who = 'SELECT current_user AS acting, session_user AS login, current_setting($1) AS path';
      const [before] = (await session.query(who, ['search_path'])).rows;
      await session.query('DISCARD ALL');
      const [after] = (await session.query(who, ['search_path'])).rows;
      await session.end();
      const [own] = await query(old.connection_string, who, ['search_path']);

      expect(before).toEqual({ acting: old.username, login: fresh.username, path: own?.path });
      expect(after).toEqual(before);
    }
  });

  test('takes turns: the third password is the own role’s again', async () => {
    const { path, home: first } = await make(kind);
    const second = await rotate(path, { graceSeconds: 600 });
    await endOverlap(path);

    const third = await rotate(path, { graceSeconds: 600 });

    expect(third.username).toBe(first.username);
    expect(await open(first)).toEqual(NEITHER);
    expect(await open(second)).toEqual(BOTH);
    expect(await open(third)).toEqual(BOTH);
    await endOverlap(path);
    expect(await open(second)).toEqual(NEITHER);
    expect(await open(third)).toEqual(BOTH);
  });

  test('suspended in the grace lets nobody in, and resumed lets both', async () => {
    const { path, home: old } = await make(kind);
    const fresh = await rotate(path, { graceSeconds: 600 });
    const sessions = await Promise.all(
      [...doorsOf(old), ...doorsOf(fresh)].map(([, string]) => connect(string)),
    );

    (await api.post(`${path}/suspend`)).expect(200);

    for (const session of sessions) expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
    expect([await open(old), await open(fresh)]).toEqual([NEITHER, NEITHER]);
    (await api.post(`${path}/resume`)).expect(200);
    expect([await open(old), await open(fresh)]).toEqual([BOTH, BOTH]);

    await endOverlap(path);
    (await api.post(`${path}/suspend`)).expect(200);
    (await api.post(`${path}/resume`)).expect(200);
    expect([await open(old), await open(fresh)]).toEqual([NEITHER, BOTH]);
  });

  test('rotated at once keeps the name, and ends the grace', async () => {
    const { path, home: old } = await make(kind);
    const second = await rotate(path, { graceSeconds: 600 });
    const [left] = await Promise.all([connect(old.connection_string)]);

    const third = await rotate(path, {});

    expect(third).toMatchObject({ username: second.username, previous: null });
    expect([await open(old), await open(second), await open(third)]).toEqual([NEITHER, NEITHER, BOTH]);
    expect(await errorCodeOf(left.query('SELECT 1'))).not.toBeNull();
    expect((await logins(path)).previous).toBeNull();
  });

  test('is deleted with both logins, and nothing of it stays', async () => {
    const { path, home } = await make(kind);
    await rotate(path, { graceSeconds: 600 });

    (await api.delete(path)).expect(200);

    expect(await server.query('SELECT rolname FROM pg_roles WHERE rolname ^@ $1', [home.username])).toEqual(
      [],
    );
    expect(await control.query('SELECT 1 FROM login_overlaps WHERE username ^@ $1', [home.username])).toEqual(
      [],
    );
  });

  test('is as the reconciler expects it, and mended where it is not', async () => {
    const { path, home } = await make(kind);
    const fresh = await rotate(path, { graceSeconds: 600 });
    expect(await findings(home.username)).toEqual([]);

    await server.query(
      `ALTER ROLE ${fresh.username} NOLOGIN; ALTER ROLE ${home.username} CONNECTION LIMIT 1`,
    );
    expect(await findings(home.username)).toHaveLength(2);
    await reconcile(true);

    expect(await findings(home.username)).toEqual([]);
    expect([await open(home), await open(fresh)]).toEqual([BOTH, BOTH]);
  });
});

async function reconcile(repair: boolean): Promise<{ name: string }[]> {
  const [{ id } = { id: '' }] = (await api.get<{ id: string }[]>('/api/servers')).data;
  const answer = await api.post<{ findings: { name: string }[] }>(`/api/servers/${id}/reconcile`, { repair });
  return answer.expect(200).data.findings;
}

async function findings(username: string): Promise<{ name: string }[]> {
  return (await reconcile(false)).filter(({ name }) => name.startsWith(username));
}

test('clients that reconnect all the time see no failed login while they are switched', async () => {
  const old = await createDatabase(world, { maxConnections: 20 });
  const path = `/api/databases/${old.id}`;

  const before = doorsOf(old).map(([, string]) => reconnectFor(string, 3));
  await until('the old login is in use', async () => (await backends(old.username)) > 0);
  const fresh = await rotate(path, { graceSeconds: 5 });
  const after = doorsOf(fresh).map(([, string]) => reconnectFor(string, 6));

  for (const { logins: count } of await Promise.all(before)) expect(count).toBeGreaterThan(20);
  await until('the grace is over', async () => (await logins(path)).previous === null);
  expect(await open(old)).toEqual(NEITHER);
  for (const { logins: count } of await Promise.all(after)) expect(count).toBeGreaterThan(40);
  expect(await open(fresh)).toEqual(BOTH);
}, 60_000);

async function backends(username: string): Promise<number> {
  return (await server.query('SELECT 1 FROM pg_stat_activity WHERE usename = $1', [username])).length;
}

test('the pooler never serves the old password after the cut, to nobody, under load', async () => {
  const old = await createDatabase(world, { maxConnections: 20 });
  const path = `/api/databases/${old.id}`;
  const idle = await connect(old.connection_string_pooled);
  const used = await connect(old.connection_string_pooled);
  await used.query('SELECT 1');
  const busy = await connect(old.connection_string_pooled);
  await busy.query('BEGIN');
  const direct = await connect(old.connection_string);
  const fresh = await rotate(path, { graceSeconds: 600 });
  const innocent = await connect(fresh.connection_string_pooled);
  await innocent.query('BEGIN');
  const hammered = hammer(old.connection_string_pooled);
  const load = reconnectFor(fresh.connection_string_pooled, 3);
  await until('the old login is hammered', async () => hammered.served > 5);

  await endOverlap(path);
  const servedAtCut = hammered.served;

  for (const session of [idle, used, busy, direct]) {
    expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  }
  expect(await loginError(old.connection_string)).not.toBeNull();
  expect((await load).logins).toBeGreaterThan(20);
  await hammered.stop();
  expect(hammered.served).toBe(servedAtCut);
  expect((await innocent.query('SELECT 1 AS alive; COMMIT')) as unknown).toBeDefined();

  // The login gets its next turn: whoever had come with an older password is not served again.
  await rotate(path, { graceSeconds: 600 });
  for (const session of [idle, used, busy])
    expect(await errorCodeOf(session.query('SELECT 1'))).not.toBeNull();
  expect(await open(old)).toEqual(NEITHER);
}, 60_000);

/** Logs in and asks, over and over. */
function hammer(connectionString: string): { served: number; stop(): Promise<void> } {
  let isOver = false;
  const state = { served: 0, stop: async () => {} };
  const run = async () => {
    while (!isOver) if ((await loginError(connectionString)) === null) state.served += 1;
  };
  const runs = [run(), run(), run()];
  state.stop = async () => {
    isOver = true;
    await Promise.all(runs);
  };
  return state;
}

test('tells who still uses the old login, and ends the grace when nobody does', async () => {
  const old = await createDatabase(world);
  const path = `/api/databases/${old.id}`;
  const direct = await connect(old.connection_string);
  const pooled = await connect(old.connection_string_pooled);
  await pooled.query('SELECT 1');
  await rotate(path, { graceSeconds: 3_600, endWhenUnused: true });

  const { previous } = await logins(path);

  expect(previous).toMatchObject({ username: old.username, ends_when_unused: true });
  expect(previous?.sessions).toMatchObject({ direct: 1, pooled: 1 });
  const seen = previous?.sessions.list.map((session) => Object.values(session).slice(0, 3).join(' ')).sort();
  expect(seen).toEqual(['direct 127.0.0.1 rowhouse-test', 'pooled 127.0.0.1 rowhouse-test']);

  await rewind(old.username);
  await until('its use is noted', async () => (await unusedSince(old.username)) === null);
  expect((await logins(path)).previous).not.toBeNull();

  await Promise.all([direct.end(), pooled.end()]);
  await until('nobody is seen', async () => (await unusedSince(old.username)) !== null, {
    timeoutMs: 45_000,
  });
  await rewind(old.username);
  await until('the grace is over', async () => (await logins(path)).previous === null);
  expect(await open(old)).toEqual(NEITHER);
}, 90_000);

test('counts the time without use anew when nobody has looked for a while', async () => {
  const old = await createDatabase(world);
  const path = `/api/databases/${old.id}`;
  await rotate(path, { graceSeconds: 3_600, endWhenUnused: true });
  await until('nobody is seen', async () => (await unusedSince(old.username)) !== null);
  const before = Date.now();

  await control.query(
    `UPDATE login_overlaps SET unused_since = now() - interval '61 s', looked_at = now() - interval '30 s'
     WHERE username = $1`,
    [old.username],
  );

  await until('the count begins anew', async () => Number(await unusedSince(old.username)) >= before);
  expect((await logins(path)).previous).not.toBeNull();
});

/** As if it had been unused for a minute. */
async function rewind(username: string): Promise<void> {
  const sql = `UPDATE login_overlaps SET unused_since = now() - interval '61 s' WHERE username = $1 AND unused_since IS NOT NULL`;
  await control.query(sql, [username]);
}

async function unusedSince(username: string): Promise<Date | null> {
  const [row] = await control.query<{ at: Date | null }>(
    'SELECT unused_since AS at FROM login_overlaps WHERE username = $1',
    [username],
  );
  return row?.at ?? null;
}

describe('refuses', () => {
  test.each([
    ['graceSeconds', { graceSeconds: -1 }],
    ['graceSeconds', { graceSeconds: 604_801 }],
    ['graceSeconds', { graceSeconds: 1.5 }],
    ['graceSeconds', { graceSeconds: '60' }],
    ['graceSeconds', { graceSeconds: null }],
    ['endWhenUnused', { graceSeconds: 60, endWhenUnused: 'yes' }],
    ['endWhenUnused', { endWhenUnused: true }],
    ['endSessions', { graceSeconds: 60, endSessions: true }],
    ['grace', { grace: 60 }],
  ])('%s as in %j', async (field, body) => {
    const { id } = await createDatabase(world);

    const answer = await api.post(`/api/databases/${id}/rotate-credentials`, body);

    expect(answer.status).toBe(400);
    expect(answer.problem.errors?.map((error) => error.field)).toEqual([field]);
  });

  test('a second grace while one is under way, and an end without one', async () => {
    const { id } = await createDatabase(world);
    const path = `/api/databases/${id}`;
    await rotate(path, { graceSeconds: 600 });

    expect((await api.post(`${path}/rotate-credentials`, { graceSeconds: 60 })).status).toBe(409);
    await endOverlap(path);
    const again = await api.delete(`${path}/credentials/previous`);
    expect(again.status).toBe(409);
    expect(again.problem.code).toBe('CONFLICT');
  });

  test('to say more of a home than there is', async () => {
    const unknown = '3f0f4f0e-0000-4000-8000-000000000000';
    expect((await api.get(`/api/databases/${unknown}/credentials`)).status).toBe(404);
    expect((await api.get('/api/tenants/nonsense/credentials')).status).toBe(400);
  });
});

test('a tenant’s statements run with either login', async () => {
  const { path } = await make('a tenant in a schema');
  const ask = async () => {
    const answer = await api.post<{ rows: unknown[] }>(`${path}/sql`, { sql: 'SELECT current_user' });
    return answer.expect(200).data.rows;
  };
  const before = await ask();
  await rotate(path, { graceSeconds: 600 });
  expect(await ask()).toEqual(before);
  await endOverlap(path);
  expect(await ask()).toEqual(before);
});

test.each(['a database', 'a tenant in a schema'])(
  'the whitelist of %s holds for both logins and for its roles, on both ports',
  async (kind) => {
    const { path, home: old } = await make(kind);
    const rule = { ipAddress: '127.0.0.2', force: true };
    (await api.post(`${path}/whitelist`, rule)).expect(201);

    const fresh = await rotate(path, { graceSeconds: 600 });
    const body = { name: 'reader', access: 'readonly' };
    const role = (await api.post<Strings>(`${path}/roles`, body)).expect(201).data;

    for (const strings of [old, fresh, role]) {
      for (const [port, string] of doorsOf(strings)) {
        const seen = [];
        for (const from of ['127.0.0.2', '127.0.0.3']) seen.push(await getsIn(string, { from, tls: true }));
        expect([port, ...seen]).toEqual([port, true, false]);
      }
    }
  },
);
