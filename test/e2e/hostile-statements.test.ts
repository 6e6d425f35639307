import { expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { errorCodeOf, query } from '../support/sql.js';
import { addVersion, createTemplate, createTenant, deleteTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

/** Code of an owner's runs in sessions of Rowhouse's, where it may catch the cancellation that a timeout is. */
const HOLD = `FOR i IN 1..200 LOOP
  BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END;
END LOOP;`;

const world = await startWorld();
const { api, server } = world;

test('a trigger that outlives its timeout ends its session, and the others are migrated', async () => {
  const template = await createTemplate(world);
  const owned = { isolation: 'database', templateId: template.id, ownerEmail: 'o@example.com' };
  const hostile = await createTenant(world, owned);
  const others = [await createTenant(world, owned), await createTenant(world, { templateId: template.id })];
  await query(
    hostile.connection_string,
    `SET ROLE ${hostile.database_name}_provisioner;
     CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${HOLD} RETURN NEW; END $$;
     CREATE TRIGGER hold BEFORE INSERT ON shared.schema_versions FOR EACH ROW EXECUTE FUNCTION hold()`,
  );
  await addVersion(world, template, 'ALTER TABLE products ADD COLUMN colour text');
  const strategy = { canary: 0, maxAttempts: 1, maxFailures: 10, statementTimeoutMs: 1_000 };
  const { data } = (
    await api.post<{ subject_id: string }>(
      '/api/migrations',
      { templateId: template.id, strategy },
      { prefer: 'respond-async' },
    )
  ).expect(202);

  const states = async () => {
    const found = await api.get<{ tenant_id: string; state: string }[]>(
      `/api/migrations/${data.subject_id}/tenants`,
    );
    return new Map(found.expect(200).data.map(({ tenant_id: id, state }) => [id, state]));
  };
  await until('the hostile tenant has failed', async () => (await states()).get(hostile.id) === 'failed', {
    timeoutMs: 150_000,
    everyMs: 1_000,
  });

  for (const { id } of others) expect((await states()).get(id)).toBe('succeeded');
  const held = `SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'`;
  expect(await server.query(held, [`${hostile.database_name}_worker`])).toEqual([]);
}, 180_000);

test('what a stranger granted to the roles of a host does not keep it from being deleted', async () => {
  const template = await createTemplate(world);
  const victim = await createTenant(world, {
    isolation: 'database',
    templateId: template.id,
    ownerEmail: 'o@example.com',
  });
  const stranger = await createDatabase(world);
  const roles = ['worker', 'provisioner', 'tenants'].map((name) => `${victim.database_name}_${name}`);
  const bait = `CREATE TABLE bait (x int); GRANT SELECT ON bait TO ${roles.join(', ')}`;
  expect(await errorCodeOf(query(stranger.connection_string, bait))).toBeNull();

  await deleteTenant(world, victim);

  const left = 'SELECT rolname FROM pg_roles WHERE rolname LIKE $1';
  expect(await server.query(left, [`${victim.database_name}%`])).toEqual([]);
});
