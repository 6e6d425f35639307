import { beforeAll, describe, expect, test } from 'vitest';
import { randomHex } from '../../src/kernel/ids.js';
import { SecretBox } from '../../src/kernel/secret-box.js';
import { SEALED_COLUMNS } from '../../src/modules/encryption/sealed-columns.js';
import { withEnvironment } from '../support/children.js';
import { createDatabase, databaseBody, type NewDatabase } from '../support/databases.js';
import { untilIdle } from '../support/leftovers.js';
import { canLogin } from '../support/sql.js';
import { createHost, createTemplate, createTenant, type Host, type NewTenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const [K1, K2, K3] = [randomHex(32), randomHex(32), randomHex(32)];
const idOf = (key: string) => SecretBox.of(Buffer.from(key, 'hex')).keyId;
const world = await startWorld({ app: 'child', env: { ENCRYPTION_KEY: K1, LOG_LEVEL: 'info' } });
const { api, control } = world;

let database: NewDatabase;
let tenant: NewTenant;
let host: { database: NewDatabase; host: Host };
let answered: NewDatabase;
let role: { id: string; connection_string: string };

beforeAll(async () => {
  const template = await createTemplate(world);
  database = await createDatabase(world);
  host = await createHost(world);
  tenant = await createTenant(world, { databaseId: host.database.id, templateId: template.id });
  answered = await createDatabase(world, { friendlyName: 'twice' }, { idempotencyKey: 'once' });
  const wish = { name: 'reports', access: 'readonly' };
  role = (await api.post<typeof role>(`/api/databases/${database.id}/roles`, wish)).expect(201).data;
  await untilIdle(world);
});

/** How many secrets each key has sealed. */
async function countByKey(): Promise<Record<string, number>> {
  const all = SEALED_COLUMNS.map(
    ({ table, column }) =>
      `SELECT split_part(${column}, '.', 2) AS id FROM ${table} WHERE ${column} IS NOT NULL`,
  );
  const rows = await control.query<{ id: string; count: number }>(
    `SELECT id, count(*)::int AS count FROM (${all.join(' UNION ALL ')}) s GROUP BY id`,
  );
  return Object.fromEntries(rows.map(({ id, count }) => [id, count]));
}

async function expectAllOpen(): Promise<void> {
  const reveal = (path: string) => api.get<{ connection_string: string }>(`${path}?reveal=true`);
  const own = await reveal(`/api/databases/${database.id}/connection-strings`);
  const tenants = await reveal(`/api/tenants/${tenant.id}/connection-strings`);
  const shown = await reveal(`/api/databases/${host.database.id}/host`);
  const reports = await reveal(`/api/databases/${database.id}/roles/${role.id}`);
  const replayed = await api.post<NewDatabase>('/api/databases', databaseBody({ friendlyName: 'twice' }), {
    idempotencyKey: 'once',
  });

  expect(own.expect(200).data.connection_string).toBe(database.connection_string);
  expect(tenants.expect(200).data.connection_string).toBe(tenant.connection_string);
  expect((shown.expect(200).data as unknown as Host).app.connection_string).toBe(
    host.host.app.connection_string,
  );
  expect(reports.expect(200).data.connection_string).toBe(role.connection_string);
  expect(replayed.expect(201).data.password).toBe(answered.password);
}

async function expectWorkGoesOn(): Promise<void> {
  const other = await createTenant(world, { databaseId: host.database.id, templateId: tenant.template_id });
  expect(await canLogin(other.connection_string)).toBe(true);
  expect(await canLogin(other.connection_string_pooled)).toBe(true);
}

test('every column that holds a ciphertext is known, and every value carries the id of its key', async () => {
  const columns = await control.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name ~ 'cipher|sealed|encrypted' ORDER BY 1`,
  );

  expect(SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort()).toEqual(
    columns.map(({ name }) => name),
  );
  expect(Object.keys(await countByKey())).toEqual([idOf(K1)]);
});

describe('with a new ENCRYPTION_KEY and the former one behind it', () => {
  test('everything opens at once, is resealed in the background, and the former key can go', async () => {
    const before = (await countByKey())[idOf(K1)] ?? 0;

    await withEnvironment(world, { ENCRYPTION_KEY: K2, ENCRYPTION_KEY_PREVIOUS: K1 }, async (app) => {
      await expectAllOpen();
      await expectWorkGoesOn();
      await until('nothing is sealed with the former key', async () => !(idOf(K1) in (await countByKey())));
      await expectAllOpen();
      await until('the log says so', () => app.log.includes(`Nothing needs the former key ${idOf(K1)}`));
      expect(app.log).not.toContain(K1);
      expect(app.log).not.toContain(K2);
    });

    expect(before).toBeGreaterThan(5);
    expect((await countByKey())[idOf(K2)]).toBeGreaterThanOrEqual(before);
    await withEnvironment(world, { ENCRYPTION_KEY: K2 }, async () => {
      await expectAllOpen();
      await expectWorkGoesOn();
    });
  });

  test('the way back is the same way', async () => {
    await withEnvironment(world, { ENCRYPTION_KEY: K1, ENCRYPTION_KEY_PREVIOUS: `${K3},${K2}` }, async () => {
      await until('all is sealed with the first key again', async () => {
        const ids = Object.keys(await countByKey());
        return ids.length === 1 && ids[0] === idOf(K1);
      });
      await expectAllOpen();
    });
    expect(
      await control.query(
        "SELECT DISTINCT after->>'sealed_with' AS id FROM audit_logs WHERE action = 'encryption.reseal' ORDER BY 1",
      ),
    ).toEqual([idOf(K1), idOf(K2)].sort().map((id) => ({ id })));
  });
});

test('a key that opens nothing is told by its id, stops nobody, and spoils nothing', async () => {
  await withEnvironment(world, { ENCRYPTION_KEY: K3 }, async (app) => {
    await until('the log names the key that is missed', () =>
      app.log.includes(`sealed with the key ${idOf(K1)}, which is neither ENCRYPTION_KEY (${idOf(K3)})`),
    );
    const masked = await api.get(`/api/databases/${database.id}/connection-strings?reveal=true`);
    expect(masked.expect(409).problem.detail).toContain('ENCRYPTION_KEY');
    expect(await canLogin(database.connection_string_pooled)).toBe(true);
    await expectWorkGoesOn();
    expect(app.log).not.toContain(K3);
  });

  await expectAllOpen();
  await expectWorkGoesOn();
});
