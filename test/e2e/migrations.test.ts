import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandMigration, runMigration, showMigration } from '../../src/cli/migrations.js';
import { Fleet, type Migration } from '../support/migrations.js';
import { mapParallel } from '../support/parallel.js';
import { connect } from '../support/sql.js';
import {
  addVersion,
  createHost,
  createTemplate,
  createTenant,
  type NewTenant,
  type Tenant,
} from '../support/tenancy.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { TENANT_WARM_POOL_SIZE: '0', WARM_POOL_SIZE: '0' } });
const { api } = world;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.create(world, [12, 8]);
});
afterAll(() => fleet?.end());

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const ADD_COLUMN = (name: string) => `ALTER TABLE products ADD COLUMN ${name} int`;
const SLOWLY = 'SELECT pg_sleep(0.1)';

describe('a migration', () => {
  test('brings a version to every tenant of every database, the canary first', async () => {
    const version = await fleet.addVersion(ADD_COLUMN('price'));

    const migration = await fleet.migrate({ strategy: { canary: 2, rings: [25, 100] } });

    expect(migration).toMatchObject({ state: 'succeeded', version, ring: null, error: null });
    expect(migration.totals).toMatchObject({ tenants: 20, succeeded: 20 });
    await fleet.expectAllAt(version);
    const results = await fleet.results(migration.id);
    expect(results.map(({ ring }) => ring)).toEqual([0, 0, ...Array(3).fill(1), ...Array(15).fill(2)]);
    expect(results.map(({ slug }) => slug)).toEqual(fleet.tenants.map(({ slug }) => slug));
  });

  test('opens no session anywhere when there is nothing to do', async () => {
    const sessions = () =>
      Promise.all(
        fleet.databases.map((name) =>
          world.server.query('SELECT sessions FROM pg_stat_database WHERE datname = $1', [name]),
        ),
      );
    const before = await sessions();

    const migration = await fleet.migrate();

    expect(migration).toMatchObject({ state: 'succeeded', totals: { tenants: 0 } });
    expect(await sessions()).toEqual(before);
  });

  test('brings several versions in their order to whoever is behind', async () => {
    await fleet.addVersion('CREATE TABLE a (id int)');
    const version = await fleet.addVersion('ALTER TABLE a RENAME TO b');

    expect(await fleet.migrate()).toMatchObject({ state: 'succeeded' });

    await fleet.expectAllAt(version);
  });

  test('runs statements that cannot be in a transaction', async () => {
    const version = await fleet.addOnlineVersion([
      { sql: 'CREATE INDEX CONCURRENTLY by_sku ON products (sku)', action: 'create_index', index: 'by_sku' },
      { sql: 'ANALYZE products', action: 'other', index: null },
    ]);

    expect(await fleet.migrate()).toMatchObject({ state: 'succeeded' });

    await fleet.expectAllAt(version);
    const [first] = fleet.databases;
    const valid = await fleet.query(
      first ?? '',
      "SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ 'by_sku'",
    );
    expect(valid).toEqual(Array(12).fill({ indisvalid: true }));
  });

  test('applies versions that were added over the API', async () => {
    const template = await createTemplate(world);
    const { id } = await createTenant(world, { templateId: template.id });
    const path = `/api/templates/${template.id}/versions`;
    (await api.post(path, { sql: ADD_COLUMN('price') })).expect(201);
    const sql = 'CREATE INDEX CONCURRENTLY by_price ON products (price);\nVACUUM products;';
    (await api.post(path, { sql, transaction: false })).expect(201);

    const answer = await api.post<Migration>('/api/migrations', { templateId: template.id });

    expect(answer.expect(201).data).toMatchObject({ state: 'succeeded', version: 3 });
    const tenant = (await api.get<Tenant>(`/api/tenants/${id}`)).expect(200).data;
    expect(tenant.template_version).toBe(3);
  });

  test('reaches tenants with a database of their own, and suspended ones', async () => {
    await fleet.addTenants(1, { isolation: 'database' });
    (await api.post(`/api/tenants/${fleet.tenant(0).id}/suspend`)).expect(200);
    const version = await fleet.addVersion(ADD_COLUMN('weight'));

    expect(await fleet.migrate()).toMatchObject({ state: 'succeeded', totals: { succeeded: 21 } });

    await fleet.expectAllAt(version);
    (await api.post(`/api/tenants/${fleet.tenant(0).id}/resume`)).expect(200);
  });

  test('can be narrowed to some tenants, a database or a status', async () => {
    const version = await fleet.addVersion(ADD_COLUMN('height'));
    const { id, database_id: databaseId } = fleet.tenant(0);

    const one = await fleet.migrate({ tenantIds: [id] });
    const few = await fleet.migrate({ databaseId });
    const none = await fleet.migrate({ statuses: ['suspended'] });

    expect([one, few, none].map(({ totals }) => totals.tenants)).toEqual([1, 11, 0]);
    await fleet.migrate();
    await fleet.expectAllAt(version);
  });

  test('waits for a tenant that is just being made with an older version', async () => {
    const late = fleet.tenant(5);
    await world.control.query("UPDATE tenants SET status = 'creating' WHERE id = $1", [late.id]);
    const version = await fleet.addVersion(ADD_COLUMN('width'));

    const id = await fleet.begin();
    await until('the others are through', async () => (await fleet.get(id)).totals.succeeded === 20);
    expect((await fleet.get(id)).state).toBe('running');
    await world.control.query("UPDATE tenants SET status = 'active' WHERE id = $1", [late.id]);

    await until('it has succeeded', async () => (await fleet.get(id)).state === 'succeeded');
    await fleet.expectAllAt(version);
  });

  test('tries a tenant again whose table somebody holds, while the others go on', async () => {
    const held = fleet.tenant(3);
    const holder = await connect(held.connection_string);
    await holder.query('BEGIN; SELECT * FROM products');
    const version = await fleet.addVersion(ADD_COLUMN('depth'));

    const id = await fleet.begin({
      strategy: { canary: 0, connections: 2, lockTimeoutMs: 300, maxAttempts: 20 },
    });
    const isWaiting = async () =>
      (
        await fleet.inTenant(
          held,
          "SELECT FROM pg_locks WHERE NOT granted AND relation = '$schema.products'::regclass",
        )
      ).length > 0;
    await until('it waits for the lock', isWaiting);
    await until('the others are through', async () => (await fleet.get(id)).totals.succeeded === 20);
    await until('it has given up for now', async () => !(await isWaiting()));
    await holder.query('COMMIT');
    await holder.end();

    await until('it has succeeded', async () => (await fleet.get(id)).state === 'succeeded');
    const results = await fleet.results(id);
    expect(results.filter(({ attempts }) => attempts > 1).map(({ slug }) => slug)).toEqual([held.slug]);
    await fleet.expectAllAt(version);
  });

  test('leaves room for creations in a database where two of them wait for locks', async () => {
    const { database } = await createHost(world);
    const templates = [await createTemplate(world), await createTemplate(world)];
    const tenants = await mapParallel(Array.from({ length: 8 }), 4, (_, at) =>
      createTenant(world, { templateId: templates[at % 2]?.id, databaseId: database.id }),
    );
    const tables = tenants.map(({ schema_name }) => `${schema_name}.products`).join(', ');
    await fleet.query(database.database_name, `BEGIN; LOCK TABLE ${tables} IN ACCESS SHARE MODE`);
    const running = await Promise.all(
      templates.map(async ({ id: templateId }) => {
        await addVersion(world, { id: templateId }, ADD_COLUMN('patience'));
        const strategy = { canary: 0, connections: 4, lockTimeoutMs: 30_000 };
        return fleet.begin({ templateId, strategy });
      }),
    );
    await until('all of their sessions wait', async () => {
      const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1";
      return (await world.server.query(waiting, [database.database_name])).length === 8;
    });

    const another = await createTenant(world, { templateId: templates[0]?.id, databaseId: database.id });

    expect(another.template_version).toBe(2);
    await fleet.query(database.database_name, 'ROLLBACK');
    for (const id of running) {
      await until('it has succeeded', async () => (await fleet.get(id)).state === 'succeeded');
    }
  });

  test('shows an application that reads through the pooler no error', async () => {
    const readers = await Promise.all(fleet.tenants.slice(0, 4).map(read));
    await until('everybody reads', () => readers.every((reader) => reader.count > 5));
    for (const column of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      await fleet.addVersion(`${ADD_COLUMN(column)} DEFAULT 1`);
      expect(await fleet.migrate()).toMatchObject({ state: 'succeeded' });
    }

    const seen = await Promise.all(readers.map((reader) => reader.stop()));

    for (const { error, columns, sessions } of seen) {
      expect(error).toBeNull();
      expect(columns).toContain('p5');
      expect(sessions, 'pooled connections are replaced').toBeGreaterThan(1);
    }
    await fleet.expectAllAt(fleet.version);
  });
});

describe('following', () => {
  test('lists migrations and their tenants page by page', async () => {
    const [newest, ...others] = (await api.get<Migration[]>(`/api/migrations?templateId=${fleet.templateId}`))
      .data;
    expect(others.length).toBeGreaterThan(5);
    expect(newest?.version).toBe(fleet.version);

    const path = `/api/migrations/${newest?.id}/tenants?limit=15`;
    const first = await api.get<{ position: number }[]>(path);
    const second = await api.get<{ position: number }[]>(`${path}&cursor=${first.nextCursor}`);

    const positions = [...first.data, ...second.data].map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 21 }, (_, at) => at + 1));
    expect(second.nextCursor).toBeNull();
  });

  test('streams its state, its progress and its end', async () => {
    await fleet.addVersion(`${SLOWLY}; ${ADD_COLUMN('volume')}`);
    const id = await fleet.begin({ strategy: { connections: 1 } });

    const answer = await api.fetch('GET', `/api/migrations/${id}/events`);
    const text = await answer.text();

    const events = [...text.matchAll(/event: (\w+)\ndata: (.*)\n/g)].map(([, type, data]) => ({
      type,
      data: JSON.parse(data ?? '') as Migration,
    }));
    const types = events.map(({ type }) => type);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(types.filter((type) => type === 'progress').length).toBeGreaterThan(2);
    expect(types.at(-1)).toBe('end');
    expect(events.at(-1)?.data).toMatchObject({ state: 'succeeded', totals: { pending: 0 } });
  });
});

describe('stopping', () => {
  test('pauses after the tenants at work, and resumes', async () => {
    const version = await fleet.addVersion(`${SLOWLY}; ${ADD_COLUMN('s1')}`);
    const id = await fleet.begin({ strategy: { connections: 2 } });
    await until('some are through', async () => (await fleet.get(id)).totals.succeeded > 2);

    const paused = await fleet.command(id, 'pause');

    expect(paused).toMatchObject({ state: 'paused', error: null });
    expect(paused.totals.pending).toBeGreaterThan(0);
    expect((await fleet.ledger())[version]).toBe(paused.totals.succeeded);
    expect(await fleet.command(id, 'resume')).toMatchObject({ state: 'succeeded' });
    await fleet.expectAllAt(version);
  });

  test('pauses behind its canary when it was told so', async () => {
    const version = await fleet.addVersion(ADD_COLUMN('s2'));

    const paused = await fleet.migrate({ strategy: { canary: 3, pauseAfterCanary: true } });

    expect(paused).toMatchObject({
      state: 'paused',
      ring: 1,
      error: null,
      totals: { succeeded: 3, pending: 18 },
    });
    expect(await fleet.command(paused.id, 'resume')).toMatchObject({ state: 'succeeded' });
    await fleet.expectAllAt(version);
  });

  test('cancels while it runs; whoever has the version keeps it, the rest gets it later', async () => {
    const version = await fleet.addVersion(`${SLOWLY}; ${ADD_COLUMN('s3')}`);
    const id = await fleet.begin({ strategy: { connections: 1 } });
    await until('one is through', async () => (await fleet.get(id)).totals.succeeded > 0);

    const cancelled = await fleet.command(id, 'cancel');

    expect(cancelled.state).toBe('cancelled');
    const { problem } = await api.post(`/api/migrations/${id}/resume`);
    expect(problem).toMatchObject({ code: 'CONFLICT' });
    const rest = await fleet.migrate({ strategy: { connections: 8 } });
    expect(rest.totals.tenants).toBe(21 - cancelled.totals.succeeded);
    await fleet.expectAllAt(version);
  });

  test('cancels with its operation', async () => {
    await fleet.addVersion(`${SLOWLY}; ${ADD_COLUMN('s4')}`);
    const id = await fleet.begin({ strategy: { connections: 1 } });
    const [operation] = (await api.get<{ id: string }[]>(`/api/operations?subjectId=${id}`)).data;

    (await api.post(`/api/operations/${operation?.id}/cancel`)).expect(202);

    await until('it is cancelled', async () => (await fleet.get(id)).state === 'cancelled');
    expect(await fleet.migrate()).toMatchObject({ state: 'succeeded' });
  });

  test('refuses a second migration of the template, not one of another template', async () => {
    const version = await fleet.addVersion(ADD_COLUMN('s5'));
    const paused = await fleet.migrate({ strategy: { pauseAfterCanary: true } });

    const second = await api.post('/api/migrations', { templateId: fleet.templateId });

    expect(second.problem).toMatchObject({ status: 409, code: 'CONFLICT' });
    expect(second.problem.detail).toContain(paused.id);
    expect(await fleet.command(paused.id, 'cancel')).toMatchObject({ state: 'cancelled' });
    await fleet.migrate();
    await fleet.expectAllAt(version);
  });
});

describe('failures', () => {
  test('pause it at tenant 37 of 100; mended and tried again, all succeed', async () => {
    const many = await Fleet.create(world, [100]);
    const broken = many.tenant(36);
    await many.inTenant(broken, "INSERT INTO $schema.products (id, sku) VALUES (1, 'a'), (2, 'a')");
    const version = await many.addVersion('SELECT 1;\nALTER TABLE products ADD UNIQUE (sku)');

    const paused = await many.migrate({ strategy: { connections: 1 } });

    expect(paused).toMatchObject({ state: 'paused', totals: { succeeded: 36, failed: 1, pending: 63 } });
    expect(paused.error).toMatchObject({ code: 'TOO_MANY_FAILURES' });
    expect(paused.error?.message).toContain(broken.slug);
    expect((await many.ledger())[version]).toBe(36);
    const failed = await many.results(paused.id, 'failed');
    const error = { sqlstate: '23505', version, file: '001.sql', line: 2 };
    expect(failed).toMatchObject([{ tenant_id: broken.id, position: 37, attempts: 1, error }]);

    await many.inTenant(broken, 'DELETE FROM $schema.products WHERE id = 2');
    const ended = await many.command(paused.id, 'retry-failed');
    expect(ended).toMatchObject({ state: 'succeeded', error: null, totals: { succeeded: 100, failed: 0 } });
    await many.expectAllAt(version);
    await many.end();
  });

  test('that stay within the threshold do not stop it; it ends as failed and can be tried again', async () => {
    const broken = [fleet.tenant(4), fleet.tenant(9)];
    for (const tenant of broken) await fleet.inTenant(tenant, 'CREATE TABLE $schema.taken ()');
    const version = await fleet.addVersion('CREATE TABLE taken ()');

    const ended = await fleet.migrate({ strategy: { maxFailures: 2 } });

    expect(ended).toMatchObject({ state: 'failed', totals: { succeeded: 19, failed: 2 } });
    expect(ended.error).toMatchObject({ code: 'TENANTS_FAILED' });
    for (const tenant of broken) await fleet.inTenant(tenant, 'DROP TABLE $schema.taken');
    expect(await fleet.command(ended.id, 'retry-failed')).toMatchObject({ state: 'succeeded' });
    await fleet.expectAllAt(version);
  });

  test('of the canary pause it whatever the threshold; resumed, it goes on without it', async () => {
    const canary = fleet.tenant(0);
    await fleet.inTenant(canary, 'CREATE TABLE $schema.taken_too ()');
    const version = await fleet.addVersion('CREATE TABLE taken_too ()');

    const paused = await fleet.migrate({ strategy: { maxFailures: 100 } });

    expect(paused).toMatchObject({
      state: 'paused',
      error: { code: 'CANARY_FAILED' },
      totals: { pending: 20 },
    });
    const ended = await fleet.command(paused.id, 'resume');
    expect(ended).toMatchObject({ state: 'failed', totals: { succeeded: 20, failed: 1 } });
    await fleet.inTenant(canary, 'DROP TABLE $schema.taken_too');
    await fleet.command(ended.id, 'retry-failed');
    await fleet.expectAllAt(version);
  });

  test('of a schema that somebody renamed by hand touch nobody else', async () => {
    const drifted = fleet.tenant(7);
    await fleet.inTenant(drifted, 'ALTER SCHEMA $schema RENAME TO renamed_by_hand');
    const version = await fleet.addVersion(ADD_COLUMN('f1'));

    const ended = await fleet.migrate({ strategy: { maxFailures: 1 } });

    const [failed] = await fleet.results(ended.id, 'failed');
    expect(failed).toMatchObject({ tenant_id: drifted.id, error: { sqlstate: null } });
    expect(failed?.error?.message).toContain('was renamed to "renamed_by_hand" by hand');
    await fleet.inTenant(drifted, 'ALTER SCHEMA renamed_by_hand RENAME TO $schema');
    expect(await fleet.command(ended.id, 'retry-failed')).toMatchObject({ state: 'succeeded' });
    await fleet.expectAllAt(version);
  });

  test('do not come from tenants that are being deleted', async () => {
    const leaving = fleet.tenant(8);
    const version = await fleet.addVersion(ADD_COLUMN('f2'));
    const paused = await fleet.migrate({ strategy: { pauseAfterCanary: true } });
    (await api.delete(`/api/tenants/${leaving.id}`)).expect(200);
    fleet.tenants.splice(8, 1);

    expect(await fleet.command(paused.id, 'resume')).toMatchObject({ state: 'succeeded' });

    await fleet.expectAllAt(version);
  });
});

describe('a dry run', () => {
  test('tries the new versions for each version that tenants have, and changes nobody', async () => {
    await fleet.addVersion(ADD_COLUMN('d1'));
    await fleet.migrate({ tenantIds: [fleet.tenant(2).id] });
    await fleet.addVersion(ADD_COLUMN('d2'));
    const before = await fleet.ledger();

    const tried = await fleet.migrate({ dryRun: true });

    const { version } = fleet;
    expect(tried).toMatchObject({ state: 'succeeded', error: null, totals: { tenants: 0 } });
    expect(tried.report).toMatchObject([
      { from_version: version - 2, tenants: 19, state: 'succeeded', error: null },
      { from_version: version - 1, tenants: 1, state: 'succeeded', error: null },
    ]);
    expect(await fleet.ledger()).toEqual(before);
    await fleet.migrate();
    await fleet.expectAllAt(version);
  });

  test('tells what a new version will fail with, also beside an unfinished migration', async () => {
    await fleet.addVersion(ADD_COLUMN('d3'));
    const paused = await fleet.migrate({ strategy: { pauseAfterCanary: true } });
    await fleet.addVersion('SELECT 1;\nALTER TABLE nothing ADD COLUMN x int');

    const tried = await fleet.migrate({ dryRun: true });

    expect(tried).toMatchObject({ state: 'failed', error: { code: 'DRY_RUN_FAILED' } });
    expect(tried.report).toMatchObject([
      { from_version: fleet.version - 2, error: { sqlstate: '42P01', line: 2 } },
      { from_version: fleet.version - 1, error: { sqlstate: '42P01', line: 2 } },
    ]);
    const { problem } = await api.post(`/api/migrations/${tried.id}/retry-failed`);
    expect(problem).toMatchObject({ code: 'CONFLICT' });
    expect(await fleet.command(paused.id, 'resume')).toMatchObject({ state: 'succeeded' });
    await fleet.removeVersion();
  });
});

test('a tenant that has the version already, but is not noted yet, is no drift', async () => {
  const version = await fleet.addVersion(ADD_COLUMN('noted_late'));
  await fleet.migrate();
  const { id } = fleet.tenant(3);
  const note = (number: number) =>
    world.control.query('UPDATE tenants SET template_version = $2 WHERE id = $1', [id, number]);
  const summary = async () =>
    (await api.get<{ summary: object }>(`/api/templates/${fleet.templateId}/drift`)).expect(200).data.summary;

  await note(version - 1);

  expect(await summary()).toMatchObject({ tenants: 20, matching: 19, drifted: 0, migrating: 1 });
  await note(version);
  expect(await summary()).toMatchObject({ matching: 20, drifted: 0, migrating: 0 });
});

describe('the command line', () => {
  const lines: string[] = [];
  beforeAll(() => {
    vi.stubEnv('ROWHOUSE_URL', world.app.url);
    vi.stubEnv('ROWHOUSE_KEY', world.config.apiKey ?? '');
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        lines.push(String(text));
        return true;
      });
    }
  });
  afterAll(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.exitCode = 0;
  });

  /** What it prints, and the exit code that it leaves. */
  async function run(command: () => Promise<void>): Promise<{ text: string; code: unknown }> {
    lines.length = 0;
    process.exitCode = 0;
    await command();
    const code = process.exitCode;
    process.exitCode = 0;
    return { text: lines.join(''), code };
  }

  test('follows a migration by the name of its template', async () => {
    const version = await fleet.addVersion(ADD_COLUMN('c1'));

    const { text, code } = await run(() => runMigration({ template: fleet.templateName, canary: 2 }));

    expect(code).toBe(0);
    expect(text).toContain(`20 tenants have version ${version}`);
    await fleet.expectAllAt(version);
  });

  test('says why tenants failed, shows it later, and tries them again', async () => {
    const broken = fleet.tenant(1);
    await fleet.inTenant(broken, 'CREATE TABLE $schema.taken_again ()');
    const version = await fleet.addVersion('CREATE TABLE taken_again ()');

    const { text, code } = await run(() => runMigration({ template: fleet.templateId, connections: 1 }));

    expect(code).toBe(1);
    expect(text).toContain(`${broken.slug} (${broken.schema_name}): relation "taken_again" already exists`);
    const id = /Migration (\S+)/.exec(text)?.[1] ?? '';
    for (const verb of ['retry-failed', 'resume'])
      expect(text).toContain(`rowhouse migrations ${verb} ${id}`);
    expect((await run(() => showMigration(id))).text).toContain('paused');
    await fleet.inTenant(broken, 'DROP TABLE $schema.taken_again');
    const retried = await run(() => commandMigration('retry-failed', id));
    expect(retried).toMatchObject({ code: 0, text: expect.stringContaining(`have version ${version}`) });
  });

  test('says how to go on when it is interrupted, and the migration goes on', async () => {
    const locked = fleet.tenant(0);
    await fleet.addVersion(ADD_COLUMN('c2'));
    await fleet.query(locked.database_name, `BEGIN; LOCK TABLE ${locked.schema_name}.products`);
    const cli = spawn(process.execPath, [CLI, 'migrations', 'run', '--template', fleet.templateId]);
    let text = '';
    cli.stdout.on('data', (data) => {
      text += String(data);
    });
    await until('the command follows the migration', () => text.includes('canary'));

    cli.kill('SIGINT');

    const [code] = await once(cli, 'close');
    const id = /Migration (\S+)/.exec(text)?.[1] ?? '';
    expect(code).toBe(130);
    expect(text).toContain(`goes on`);
    for (const verb of ['status', 'pause|cancel'])
      expect(text).toContain(`rowhouse migrations ${verb} ${id}`);
    await fleet.query(locked.database_name, 'ROLLBACK');
    await until('the migration is done', async () => (await fleet.get(id)).state === 'succeeded');
  });

  test('tells what a dry run found, and that there is nothing to do', async () => {
    await fleet.addVersion('SELEC 1');
    const tried = await run(() => runMigration({ template: fleet.templateId, dryRun: true }));
    await fleet.removeVersion();
    const nothing = await run(() => runMigration({ template: fleet.templateId }));

    expect(tried.code).toBe(1);
    expect(tried.text).toContain('(20 tenants): failed: syntax error');
    expect(nothing).toMatchObject({ code: 0, text: expect.stringContaining('already') });
  });

  test('names the templates that there are when it gets another name', async () => {
    await expect(runMigration({ template: 'nonsense' })).rejects.toThrow('There is no template "nonsense"');
  });
});

describe('bad input', () => {
  test.each([
    ['an unknown template', { templateId: randomUUID() }, 404, []],
    ['a version that is not there', { version: 1_000 }, 400, ['version']],
    ['tenants of nobody', { tenantIds: [randomUUID()] }, 400, ['tenantIds']],
    [
      'values out of range',
      { version: 0, strategy: { canary: -1, rings: [50, 10], connections: 0, maxAttempts: 1.5, unknown: 1 } },
      400,
      [
        'version',
        'strategy.canary',
        'strategy.rings',
        'strategy.connections',
        'strategy.maxAttempts',
        'strategy.unknown',
      ],
    ],
    [
      'wrong types',
      { strategy: 'fast', statuses: ['deleting'], dryRun: 'yes' },
      400,
      ['strategy', 'statuses', 'dryRun'],
    ],
  ])('%s is refused and named', async (_, fields, status, badFields) => {
    const answer = await api.post('/api/migrations', { templateId: fleet.templateId, ...fields });

    expect(answer.status).toBe(status);
    expect(answer.badFields.toSorted()).toEqual(badFields.toSorted());
  });

  test('commands that make no sense are refused', async () => {
    const ended = await fleet.migrate();

    for (const verb of ['pause', 'resume', 'cancel', 'retry-failed']) {
      const { problem } = await api.post(`/api/migrations/${ended.id}/${verb}`);
      expect(problem, verb).toMatchObject({ status: 409, code: 'CONFLICT' });
      expect((await api.post(`/api/migrations/${randomUUID()}/${verb}`)).status).toBe(404);
    }
  });
});

/** An application that reads a tenant's table through the pooler, with and without protocol-level parameters. */
async function read(tenant: NewTenant) {
  const client = await connect(tenant.connection_string_pooled);
  const state = { count: 0, isStopped: false };
  const run = async () => {
    let columns: string[] = [];
    const sessions = new Set<unknown>();
    try {
      while (!state.isStopped) {
        await client.query('SELECT * FROM products');
        const { fields } = await client.query('SELECT * FROM products WHERE id = $1', [state.count]);
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        columns = fields.map(({ name }) => name);
        sessions.add(rows[0]?.pid);
        state.count += 1;
      }
      return { error: null, columns, sessions: sessions.size };
    } catch (error) {
      return { error, columns, sessions: sessions.size };
    } finally {
      await client.end();
    }
  };
  const done = run();
  return {
    get count() {
      return state.count;
    },
    stop: () => {
      state.isStopped = true;
      return done;
    },
  };
}
