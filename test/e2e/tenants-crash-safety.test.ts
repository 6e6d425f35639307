import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { crashing, crashingIn } from '../support/crashing.js';
import { HeldTable } from '../support/held-table.js';
import { canLogin, query } from '../support/sql.js';
import { createTemplate, createTenant, type NewTenant, type Tenant, tenantBody } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({
  app: 'child',
  env: { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '0', TENANT_WARM_POOL_SIZE: '1' },
});
const { api } = world;
const template = await createTemplate(world);
/** Other limits than those of the stock: such a tenant is made from nothing. */
const COLD = { templateId: template.id, maxConnections: 4 };

/** Twice the lease, which the one that lost it finds out within. */
const LEASE_MS = 2_000;
const TAKE_OVER = `UPDATE operations SET lease_token = gen_random_uuid(), next_run_at = now() + interval '1 hour'
  WHERE subject_id = $1 AND state = 'running'`;

async function findBySlug(slug: string): Promise<NewTenant> {
  const [tenant] = (await api.get<Tenant[]>(`/api/tenants?slug=${slug}`)).expect(200).data;
  expect(tenant?.status).toBe('active');
  const path = `/api/tenants/${tenant?.id}/connection-strings?reveal=true`;
  return { ...tenant, ...(await api.get<NewTenant>(path)).expect(200).data };
}

async function inControl(slug: string): Promise<{ id: string; schema_name: string; status: string }> {
  const [row] = await world.control.query('SELECT id, schema_name, status FROM tenants WHERE slug = $1', [
    slug,
  ]);
  if (!row) throw new Error(`there is no tenant ${slug}`);
  return row as { id: string; schema_name: string; status: string };
}

/** The stock may wait for the same lock. */
async function untilItsTablesWait(slug: string): Promise<void> {
  await until(`the making of ${slug} waits`, async () => {
    const { id } = await inControl(slug);
    const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, $1) > 0";
    return (await world.server.query(waiting, [id])).length > 0;
  });
}

/** Whatever of it was still under way in PostgreSQL has ended. */
async function untilNobodyMakes(id: string): Promise<void> {
  const making = "SELECT FROM pg_stat_activity WHERE state <> 'idle' AND strpos(query, $1) > 0";
  await until('nobody makes it', async () => (await world.server.query(making, [id])).length === 0);
}

/** When a deletion has found no schema, or has dropped it. */
async function untilRegistryIsLeft(): Promise<void> {
  const leaving =
    "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM shared.tenants%'";
  await until('a deletion comes to the registry', async () => (await world.server.query(leaving)).length > 0);
}

async function expectUsable(tenant: NewTenant): Promise<void> {
  for (const door of [tenant.connection_string, tenant.connection_string_pooled]) {
    expect(await query(door, 'SELECT value FROM settings')).toEqual([{ value: 'EUR' }]);
  }
  const [registered] = await query(tenant.connection_string, 'SELECT slug, status FROM tenants');
  expect(registered).toEqual({ slug: tenant.slug, status: 'active' });
}

describe('a create that dies', () => {
  test.each([
    ['tenant.create/home', COLD],
    ['tenant.create_database/database', { ...COLD, isolation: 'database' }],
    ['tenant.create_database/tables', { ...COLD, isolation: 'database' }],
    ['host.prepare/database', { ...COLD, hostGroup: 'crash-one' }],
    ['host.prepare/schema', { ...COLD, hostGroup: 'crash-two' }],
  ])(
    'after %s ends whole and usable, or leaves the slug free',
    async (step, fields) => {
      const slug = step.replaceAll(/[./_]/g, '-');
      if ('hostGroup' in fields) {
        const group = { name: fields.hostGroup, ownerEmail: 'a@example.com' };
        (await api.post('/api/host-groups', group)).expect(201);
      }

      await crashing(world, step, () => api.post('/api/tenants', tenantBody({ ...fields, slug })));

      if (step.startsWith('host.')) await createTenant(world, { ...fields, slug });
      await expectUsable(await findBySlug(slug));
    },
    90_000,
  );

  test('with a role and without a schema ends whole and usable', async () => {
    const { database_name: host } = await createTenant(world, COLD);
    const registry = await HeldTable.hold(world, host, 'shared.tenants');

    const body = tenantBody({ ...COLD, slug: 'no-schema' });
    await crashingIn(world, () => api.post('/api/tenants', body), {
      isThere: () => untilItsTablesWait('no-schema'),
      isOver: () => registry.release(),
    });

    await expectUsable(await findBySlug('no-schema'));
  }, 90_000);

  test('with a schema that it knows nothing of ends whole and usable', async () => {
    const { database_name: host } = await createTenant(world, COLD);
    const registry = await HeldTable.hold(world, host, 'shared.tenants');
    let tenants: HeldTable | undefined;

    const body = tenantBody({ ...COLD, slug: 'no-oid' });
    await crashingIn(world, () => api.post('/api/tenants', body), {
      isThere: async () => {
        await untilItsTablesWait('no-oid');
        tenants = await HeldTable.hold(world, world.config.control.database, 'tenants');
        await registry.release();
        await tenants.untilSomebodyWaits();
      },
      isOver: async () => {
        await tenants?.endWaiters();
        await tenants?.release();
      },
    });

    await expectUsable(await findBySlug('no-oid'));
    const unknown =
      "SELECT FROM tenants WHERE isolation = 'schema' AND (schema_oid IS NULL OR role_oid IS NULL)";
    expect(await world.control.query(unknown)).toEqual([]);
  }, 90_000);

  test('and is cancelled leaves nothing, though PostgreSQL would have gone on with it', async () => {
    const neighbour = await createTenant(world, COLD);
    const registry = await HeldTable.hold(world, neighbour.database_name, 'shared.tenants');
    let [schemaName, id] = ['', ''];

    const body = tenantBody({ ...COLD, slug: 'cancelled' });
    await crashingIn(world, () => api.post('/api/tenants', body), {
      isThere: () => untilItsTablesWait('cancelled'),
      isOver: async () => {
        ({ schema_name: schemaName, id } = await inControl('cancelled'));
        await world.control.query("UPDATE operations SET cancel_requested = true WHERE state = 'running'");
        void untilRegistryIsLeft().finally(() => registry.release());
      },
    });

    expect((await api.get<Tenant[]>('/api/tenants?slug=cancelled')).expect(200).data).toEqual([]);
    await untilNobodyMakes(id);
    const left = `SELECT nspname AS name FROM pg_namespace WHERE nspname = $1
                  UNION ALL SELECT rolname FROM pg_roles WHERE rolname = $1`;
    expect(await query(neighbour.connection_string, left, [schemaName])).toEqual([]);
  }, 90_000);

  test('in the hands of another process admits nobody any more', async () => {
    const { database_name: host } = await createTenant(world, COLD);
    const registry = await HeldTable.hold(world, host, 'shared.tenants');
    const body = tenantBody({ ...COLD, slug: 'taken-over' });
    (await api.post('/api/tenants', body, { headers: { prefer: 'respond-async' } })).expect(202);
    await untilItsTablesWait('taken-over');
    const { id, schema_name: role } = await inControl('taken-over');

    await world.control.query(TAKE_OVER, [id]);
    await pause(LEASE_MS);
    await registry.release();
    await untilNobodyMakes(id);

    const canLogIn = 'SELECT rolcanlogin AS yes FROM pg_roles WHERE rolname = $1';
    expect(await world.server.query(canLogIn, [role])).toEqual([{ yes: false }]);
    await world.control.query('UPDATE operations SET next_run_at = now() WHERE subject_id = $1', [id]);
    await until(
      'the next one has finished it',
      async () => (await inControl('taken-over')).status === 'active',
    );
    await expectUsable(await findBySlug('taken-over'));
  }, 90_000);

  test('after the claim of one in stock ends whole and usable', async () => {
    await createTenant(world, COLD);
    await until('there is one in stock', async () => {
      const rows = await world.control.query("SELECT FROM warm_schemas WHERE state = 'ready'");
      return rows.length > 0;
    });

    const body = tenantBody({ slug: 'claimed', templateId: template.id });
    await crashing(world, 'tenant.claim/login', () => api.post('/api/tenants', body));

    await expectUsable(await findBySlug('claimed'));
  }, 90_000);

  test('in the middle of a copy ends with every row once', async () => {
    const source = await createTenant(world, COLD);
    await query(source.connection_string, "INSERT INTO products (name) VALUES ('apple'), ('pear')");

    const body = { slug: 'copied', withData: true };
    await crashing(world, 'tenant.clone/copy', () => api.post(`/api/tenants/${source.id}/clone`, body));

    const clone = await findBySlug('copied');
    await expectUsable(clone);
    expect(await query(clone.connection_string, 'SELECT name FROM products ORDER BY 1')).toEqual([
      { name: 'apple' },
      { name: 'pear' },
    ]);
  }, 90_000);
});

test.each(['password', 'sessions'])(
  'a rotation that dies after "%s" ends with the new password',
  async (step) => {
    const old = await createTenant(world, COLD);

    await crashing(world, `tenant.rotate_credentials/${step}`, () =>
      api.post(`/api/tenants/${old.id}/rotate-credentials`, { endSessions: true }),
    );

    const now = await findBySlug(old.slug);
    expect(now.connection_string).not.toBe(old.connection_string);
    await expectUsable(now);
    expect(await canLogin(old.connection_string_pooled)).toBe(false);
  },
  90_000,
);

test.each(['ownership', 'logins', 'pooler', 'schema', 'role'])(
  'a delete that dies after "%s" leaves nothing',
  async (step) => {
    const tenant = await createTenant(world, COLD);

    await crashing(world, `tenant.delete/${step}`, () => api.delete(`/api/tenants/${tenant.id}`));

    expect((await api.get(`/api/tenants/${tenant.id}`)).status).toBe(404);
    expect(await world.server.query(`SELECT FROM pg_roles WHERE rolname = '${tenant.username}'`)).toEqual([]);
    const aliases = await world.pooler.query<{ name: string }>('SHOW DATABASES');
    expect(aliases.map(({ name }) => name)).not.toContain(tenant.schema_name);
  },
  90_000,
);
