import { describe, expect, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { canLogin, connect, errorCodeOf, query } from '../support/sql.js';
import { createTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api, control, server } = world;

type Strings = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;
type Login = Strings & { id: string; username: string };

const STOLEN = 'a-password-that-nobody-gave';

async function make(kind: string): Promise<{ path: string; home: Login }> {
  const home = kind === 'database' ? await createDatabase(world) : await createTenant(world);
  return { path: `/api/${kind}s/${home.id}`, home };
}

async function createOwner(path: string, fields: object = {}): Promise<Login> {
  const body = { name: 'temp', access: 'owner', ...fields };
  return (await api.post<Login>(`${path}/roles`, body)).expect(201).data;
}

async function rotate(path: string, body: object): Promise<Login> {
  return (await api.post<Login>(`${path}/rotate-credentials`, body)).expect(200).data;
}

/** As the home's own role, through a login that acts as it. */
function steal({ connection_string }: Strings, { username }: Login): Promise<unknown> {
  return query(connection_string, `ALTER ROLE ${username} PASSWORD '${STOLEN}'`);
}

function stolen(strings: Strings): Strings {
  const replace = (text: string) => {
    const url = new URL(text);
    url.password = STOLEN;
    return String(url);
  };
  return {
    connection_string: replace(strings.connection_string),
    connection_string_pooled: replace(strings.connection_string_pooled),
  };
}

async function open({ connection_string, connection_string_pooled }: Strings): Promise<boolean[]> {
  return [await canLogin(connection_string), await canLogin(connection_string_pooled)];
}

async function restorations(path: string): Promise<number> {
  const id = path.split('/').at(-1);
  const sql = "SELECT 1 FROM audit_logs WHERE resource_id = $1 AND action LIKE '%.restore_password'";
  return (await control.query(sql, [id])).length;
}

const BOTH = [true, true];
const NEITHER = [false, false];

describe.each(['database', 'tenant'])('the password that a %s’s own role was given by', (kind) => {
  test('an owner ends with that owner, sessions included', async () => {
    const { path, home } = await make(kind);
    const owner = await createOwner(path);
    await steal(owner, home);
    const intruders = await Promise.all(Object.values(stolen(home)).map((string) => connect(string)));
    for (const intruder of intruders) await intruder.query('SELECT 1');

    (await api.delete(`${path}/roles/${owner.id}`)).expect(200);

    for (const intruder of intruders) expect(await errorCodeOf(intruder.query('SELECT 1'))).not.toBeNull();
    expect([await open(stolen(home)), await open(home)]).toEqual([NEITHER, BOTH]);
    expect(await restorations(path)).toBe(1);
  });

  test('the old login of a rotation ends with its grace', async () => {
    const { path, home } = await make(kind);
    const second = await rotate(path, { graceSeconds: 600 });
    (await api.delete(`${path}/credentials/previous`)).expect(200);
    const third = await rotate(path, { graceSeconds: 600 });
    await steal(second, home);

    (await api.delete(`${path}/credentials/previous`)).expect(200);

    expect([await open(stolen(home)), await open(second), await open(third)]).toEqual([
      NEITHER,
      NEITHER,
      BOTH,
    ]);
  });
});

test('the password that an owner gave ends when the owner expires, also within a grace', async () => {
  const { path, home } = await make('database');
  const fresh = await rotate(path, { graceSeconds: 600 });
  const owner = await createOwner(path, { expiresAt: new Date(Date.now() + 2_000).toISOString() });
  await steal(owner, home);

  await until('it is gone', async () => (await api.get(`${path}/roles/${owner.id}`)).status === 404);

  expect([await open(stolen(home)), await open(home), await open(fresh)]).toEqual([NEITHER, BOTH, BOTH]);
});

test('an own role whose turn is over is left without a password', async () => {
  const { path, home } = await make('database');
  const fresh = await rotate(path, { graceSeconds: 600 });
  (await api.delete(`${path}/credentials/previous`)).expect(200);
  const owner = await createOwner(path);
  await steal(owner, home);

  (await api.delete(`${path}/roles/${owner.id}`)).expect(200);

  const sql = 'SELECT rolcanlogin AS "canLogin", rolpassword AS verifier FROM pg_authid WHERE rolname = $1';
  expect(await server.query(sql, [home.username])).toEqual([{ canLogin: false, verifier: null }]);
  expect(await open(fresh)).toEqual(BOTH);
});

test('a rotation at once puts its password in force whatever the role was given', async () => {
  const { path, home } = await make('database');
  const owner = await createOwner(path);
  await steal(owner, home);

  const fresh = await rotate(path, { endSessions: true });

  expect([await open(stolen(home)), await open(home), await open(fresh)]).toEqual([NEITHER, NEITHER, BOTH]);
});

test('an untouched password is left alone, and so are the sessions', async () => {
  const { path, home } = await make('database');
  const owner = await createOwner(path);
  const session = await connect(home.connection_string);

  (await api.delete(`${path}/roles/${owner.id}`)).expect(200);

  expect(await errorCodeOf(session.query('SELECT 1'))).toBeNull();
  expect(await restorations(path)).toBe(0);
});
