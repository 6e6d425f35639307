import { describe, expect, test } from 'vitest';
import { crashing } from '../support/crashing.js';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { canLogin } from '../support/sql.js';
import { createTenant, type NewTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ app: 'child', env: { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '0' } });
const { api, control, server } = world;

type Strings = Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>;

interface Role extends Strings {
  id: string;
  username: string;
  status: string;
}

async function isOpen({ connection_string, connection_string_pooled }: Strings): Promise<boolean[]> {
  return [await canLogin(connection_string), await canLogin(connection_string_pooled)];
}

const BOTH = [true, true];
const NEITHER = [false, false];

const revealed = async (path: string): Promise<NewDatabase> =>
  (await api.get<NewDatabase>(`${path}/connection-strings?reveal=true`)).expect(200).data;

async function rotated(path: string): Promise<NewDatabase> {
  return (await api.post<NewDatabase>(`${path}/rotate-credentials`, { graceSeconds: 600 })).expect(200).data;
}

async function make(kind: string): Promise<{ path: string; home: NewDatabase | NewTenant }> {
  const home = kind === 'database' ? await createDatabase(world) : await createTenant(world);
  return { path: `/api/${kind}s/${home.id}`, home };
}

describe('a rotation with a grace that dies', () => {
  test.each([
    ['database', 'second login'],
    ['tenant', 'password'],
  ])(
    'of a %s, after its step "%s", ends with both logins',
    async (kind, step) => {
      const { path, home: old } = await make(kind);

      await crashing(world, `${kind}.rotate_credentials/${step}`, () =>
        api.post(`${path}/rotate-credentials`, { graceSeconds: 600 }),
      );

      const fresh = await revealed(path);
      expect(new URL(fresh.connection_string).username).toBe(`${old.username}_2`);
      expect([await isOpen(old), await isOpen(fresh)]).toEqual([BOTH, BOTH]);
    },
    90_000,
  );
});

test('a rotation at once that dies after it ended a grace leaves one password', async () => {
  const { path, home: old } = await make('database');
  const second = await rotated(path);

  await crashing(world, 'database.rotate_credentials/previous', () =>
    api.post(`${path}/rotate-credentials`, {}),
  );

  expect([await isOpen(old), await isOpen(second)]).toEqual([NEITHER, NEITHER]);
  expect(await isOpen(await revealed(path))).toEqual(BOTH);
  expect(await control.query('SELECT 1 FROM login_overlaps WHERE database_id = $1', [old.id])).toEqual([]);
}, 90_000);

describe('the end of a grace that dies', () => {
  test.each([
    ['database', 'login'],
    ['tenant', 'sessions'],
  ])(
    'for a %s, after its step "%s", ends with the new login alone',
    async (kind, step) => {
      const { path, home: old } = await make(kind);
      const fresh = await rotated(path);

      await crashing(world, `${kind}.end_overlap/${step}`, () => api.delete(`${path}/credentials/previous`));

      expect([await isOpen(old), await isOpen(fresh)]).toEqual([NEITHER, BOTH]);
      const logins = (await api.get<{ previous: unknown }>(`${path}/credentials`)).expect(200).data;
      expect(logins.previous).toBeNull();
    },
    90_000,
  );
});

describe('a role whose', () => {
  test.each([
    ['database', 'access'],
    ['database', 'login'],
    ['tenant', 'role'],
  ])(
    'creation for a %s dies after its step "%s" is there and works',
    async (kind, step) => {
      const { path } = await make(kind);
      const body = { name: 'late', access: 'readonly' };

      await crashing(world, `${kind}.create_role/${step}`, () => api.post(`${path}/roles`, body));

      const [role] = (await api.get<Role[]>(`${path}/roles`)).expect(200).data as [Role];
      expect(role.status).toBe('active');
      const whole = (await api.get<Role>(`${path}/roles/${role.id}?reveal=true`)).expect(200).data;
      expect(await isOpen(whole)).toEqual(BOTH);
    },
    90_000,
  );

  test('rotation dies has its new password', async () => {
    const { path } = await make('database');
    const role = await created(path);

    await crashing(world, 'database.rotate_role/password', () =>
      api.post(`${path}/roles/${role.id}/rotate-credentials`, {}),
    );

    const whole = (await api.get<Role>(`${path}/roles/${role.id}?reveal=true`)).expect(200).data;
    expect([await isOpen(role), await isOpen(whole)]).toEqual([NEITHER, BOTH]);
  }, 90_000);

  test.each(['logins', 'roles'])(
    'deletion dies after its step "%s" is gone',
    async (step) => {
      const { path } = await make('database');
      const role = await created(path);

      await crashing(world, `database.drop_roles/${step}`, () => api.delete(`${path}/roles/${role.id}`));

      expect((await api.get(`${path}/roles`)).expect(200).data).toEqual([]);
      expect(await server.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role.username])).toEqual([]);
    },
    90_000,
  );
});

async function created(path: string): Promise<Role> {
  return (await api.post<Role>(`${path}/roles`, { name: 'extra', access: 'owner' })).expect(201).data;
}
