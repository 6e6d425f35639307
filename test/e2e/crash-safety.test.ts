import { describe, expect, test } from 'vitest';
import { crashing, crashingIn } from '../support/crashing.js';
import { createDatabase, type Database, databaseBody, type NewDatabase } from '../support/databases.js';
import { HeldTable } from '../support/held-table.js';
import { findLeftovers } from '../support/leftovers.js';
import { canLogin } from '../support/sql.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ app: 'child', env: { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '1' } });
const { api } = world;

async function findByName(friendlyName: string): Promise<Database[]> {
  return (await api.get<Database[]>(`/api/databases?search=${friendlyName}`)).expect(200).data;
}

async function revealed({ id }: { id: string }): Promise<NewDatabase> {
  return (await api.get<NewDatabase>(`/api/databases/${id}/connection-strings?reveal=true`)).expect(200).data;
}

describe('a create that dies', () => {
  test.each(['home', 'extensions', 'shadow', 'login'])(
    'after its step "%s" ends whole and usable',
    async (step) => {
      const friendlyName = `crash-create-${step}`;
      const body = databaseBody({ friendlyName, maxConnections: 4, shadow: true, extensions: ['citext'] });

      await crashing(world, `database.create/${step}`, () => api.post('/api/databases', body));

      const [database, ...others] = await findByName(friendlyName);
      expect(others).toEqual([]);
      expect(database?.status).toBe('active');
      const strings = await revealed(database as Database);
      expect(await canLogin(strings.connection_string)).toBe(true);
      expect(await canLogin(strings.connection_string_pooled)).toBe(true);
      expect(await canLogin(strings.shadow_database_url)).toBe(true);
    },
    90_000,
  );

  test('with a role and without a database ends whole and usable', async () => {
    const databases = await HeldTable.hold(world, 'postgres', 'pg_database');

    const body = databaseBody({ friendlyName: 'crash-between', maxConnections: 4 });
    await crashingIn(world, () => api.post('/api/databases', body), {
      isThere: async () => {
        const role = `SELECT FROM pg_roles WHERE rolname = ANY ($1)`;
        const users = `SELECT username FROM databases WHERE friendly_name = 'crash-between'`;
        await until('the role is there', async () => {
          const rows = await world.control.query<{ username: string }>(users);
          return (await world.server.query(role, [rows.map(({ username }) => username)])).length === 1;
        });
        await databases.untilSomebodyWaits();
      },
      isOver: async () => {
        await databases.endWaiters();
        await databases.release();
      },
    });

    const [database] = await findByName('crash-between');
    expect(database?.status).toBe('active');
    const strings = await revealed(database as Database);
    expect(await canLogin(strings.connection_string)).toBe(true);
    expect(await canLogin(strings.connection_string_pooled)).toBe(true);
  }, 90_000);

  test('after the claim of a warm one ends whole and usable', async () => {
    await until('there is a warm one', async () => {
      const rows = await world.control.query("SELECT 1 FROM warm_databases WHERE state = 'ready'");
      return rows.length > 0;
    });

    const body = databaseBody({ friendlyName: 'crash-claim' });
    await crashing(world, 'database.claim/login', () => api.post('/api/databases', body));

    const [database] = await findByName('crash-claim');
    expect(database?.status).toBe('active');
    const strings = await revealed(database as Database);
    expect(await canLogin(strings.connection_string)).toBe(true);
    expect(await canLogin(strings.connection_string_pooled)).toBe(true);
  }, 90_000);
});

describe('a rotation that dies', () => {
  test.each(['password', 'sessions'])(
    'after its step "%s" ends with the new password in force',
    async (step) => {
      const old = await createDatabase(world);

      await crashing(world, `database.rotate_credentials/${step}`, () =>
        api.post(`/api/databases/${old.id}/rotate-credentials`, { endSessions: true }),
      );

      const strings = await revealed(old);
      expect(strings.connection_string).not.toBe(old.connection_string);
      expect(await canLogin(strings.connection_string)).toBe(true);
      expect(await canLogin(strings.connection_string_pooled)).toBe(true);
      expect(await canLogin(old.connection_string)).toBe(false);
      expect(await canLogin(old.connection_string_pooled)).toBe(false);
    },
    90_000,
  );
});

describe('a delete that dies', () => {
  test.each(['ownership', 'logins', 'pooler', 'shadow', 'database', 'role'])(
    'after its step "%s" ends with nothing left',
    async (step) => {
      const database = await createDatabase(world, { shadow: true });

      await crashing(world, `database.delete/${step}`, () => api.delete(`/api/databases/${database.id}`));

      expect((await api.get(`/api/databases/${database.id}`)).status).toBe(404);
      const left = await findLeftovers(world);
      const own = [...left.databases, ...left.aliases].filter((name) =>
        name.startsWith(database.database_name),
      );
      expect([...own, ...left.roles.filter((name) => name === database.username)]).toEqual([]);
    },
    90_000,
  );
});
