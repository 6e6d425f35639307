import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PartitionTargets } from '../../src/provisioning/tenancy/partitions/partition-targets.js';
import { toInstant } from '../../src/provisioning/tenancy/partitions/partition-time-zones.js';
import { until } from '../support/until.js';
import { PartitionsFixture } from './partitions-fixture.js';
import { startProvisioning } from './provisioning-fixture.js';

const provisioning = await startProvisioning({ TENANT_WARM_POOL_SIZE: '0' });
const fixture = await PartitionsFixture.start(provisioning);

let count = 0;

/** A schema with a ledger, whose partitions the SQL makes. */
async function schemaWith(sql = ''): Promise<string> {
  count += 1;
  const name = `tenant_p${count}`;
  await fixture.makeSchema(name);
  if (sql !== '') await fixture.execute(name, sql);
  return name;
}

const month = (label: string, from: string, to: string) =>
  `CREATE TABLE ledger_${label} PARTITION OF ledger FOR VALUES FROM ('${from}') TO ('${to}');`;

const PRESENT = month('2026_11', '2026-11-01', '2026-12-01') + month('2026_12', '2026-12-01', '2027-01-01');

const OLD =
  month('2024_12', '2024-12-01', '2025-01-01') +
  month('2025_01', '2025-01-01', '2025-02-01') +
  `INSERT INTO ledger (location_id, created_at, quantity) VALUES (1, '2024-12-24', 1), (1, '2025-01-06', 1);`;

describe('creation', () => {
  test('makes the present period and those ahead in every schema, and then finds nothing to do', async () => {
    const schemas = [await schemaWith(), await schemaWith()];

    const outcomes = await fixture.maintain(schemas, { rule: { premake: 2 } });

    const expected = ['ledger_2026_11', 'ledger_2026_12', 'ledger_2027_01'];
    for (const schema of schemas) {
      expect(outcomes[schema]).toMatchObject({ created: expected, failures: [] });
      expect(await fixture.partitions(schema)).toEqual([
        'ledger_2026_11 2026-11-01 2026-12-01',
        'ledger_2026_12 2026-12-01 2027-01-01',
        'ledger_2027_01 2027-01-01 2027-02-01',
      ]);
    }
    const again = await fixture.maintain(schemas, { rule: { premake: 2 } });
    expect(Object.values(again).map(({ created }) => created)).toEqual([[], []]);
  });

  test('gives a partition all that its table has: indexes, checks, foreign keys, defaults', async () => {
    const schema = await schemaWith();
    await fixture.maintain([schema]);

    const inserted = `INSERT INTO ledger (location_id, created_at, quantity) VALUES (1, '2026-12-31 23:59:59.999999+00', 3) RETURNING note, doubled, tableoid::regclass::text AS partition`;
    const [row] = await fixture.session(async (client) => {
      const results = await client.query(`SET LOCAL search_path = ${schema}; ${inserted}`);
      return (results as unknown as { rows: object[] }[]).at(-1)?.rows ?? [];
    });

    expect(row).toEqual({ note: 'none', doubled: '6', partition: 'ledger_2026_12' });
    const shape = await fixture.rows(
      `SELECT (SELECT count(*)::int FROM pg_index WHERE indrelid = c.oid) AS indexes,
              (SELECT array_agg(contype::text ORDER BY contype) FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('c', 'f', 'p')) AS constraints
       FROM pg_class c WHERE c.oid = $1::regclass`,
      [`${schema}.ledger_2026_12`],
    );
    expect(shape).toEqual([{ indexes: 2, constraints: ['c', 'f', 'p'] }]);
  });

  test('at a month’s last second makes that month and the next', async () => {
    const schema = await schemaWith();

    const outcomes = await fixture.maintain([schema], { now: new Date('2026-02-28T23:59:59.999Z') });

    expect(outcomes[schema]?.created).toEqual(['ledger_2026_02', 'ledger_2026_03']);
  });

  test('makes days of 23 and 25 hours where clocks change', async () => {
    const schema = await schemaWith();

    await fixture.maintain([schema], {
      now: new Date('2026-10-24T12:00:00Z'),
      rule: { interval: 'day', timeZone: 'Europe/Berlin' },
    });

    expect(await fixture.partitions(schema)).toEqual([
      'ledger_2026_10_24 2026-10-23 22:00:00+00 2026-10-24 22:00:00+00',
      'ledger_2026_10_25 2026-10-24 22:00:00+00 2026-10-25 23:00:00+00',
    ]);
  });

  test('serves keys of the types date and timestamp, weeks over new year, and odd names', async () => {
    const schema = 'tenant_dates';
    await fixture.makeSchema(
      schema,
      `CREATE TABLE "Daily ""sales""" (day date NOT NULL) PARTITION BY RANGE (day);
       CREATE TABLE visits (at timestamp NOT NULL) PARTITION BY RANGE (at)`,
    );
    const now = new Date('2026-12-29T00:00:00Z');

    await fixture.maintain([schema], { now, rule: { table: 'Daily "sales"', interval: 'week' } });
    await fixture.maintain([schema], { now, rule: { table: 'visits', timeZone: 'Asia/Kolkata' } });

    expect(await fixture.partitions(schema, '"Daily ""sales"""')).toEqual([
      'Daily "sales"_2026_w53 2026-12-28 2027-01-04',
      'Daily "sales"_2027_w01 2027-01-04 2027-01-11',
    ]);
    expect(await fixture.partitions(schema, 'visits')).toEqual([
      'visits_2026_12 2026-12-01 2027-01-01',
      'visits_2027_01 2027-01-01 2027-02-01',
    ]);
  });

  test('respects a partition that somebody made for a quarter, and a name that another table has', async () => {
    const schema = await schemaWith(
      `${month('winter', '2026-11-15', '2027-02-01')} CREATE TABLE ledger_2026_11 (id integer)`,
    );

    const outcomes = await fixture.maintain([schema], { rule: { premake: 3 } });

    expect(outcomes[schema]?.failures).toEqual([]);
    expect(await fixture.partitions(schema)).toEqual([
      'ledger_2026_11_2 2026-11-01 2026-11-15',
      'ledger_2027_02 2027-02-01 2027-03-01',
      'ledger_winter 2026-11-15 2027-02-01',
    ]);
  });

  test('of a hundred partitions at once goes in several messages', async () => {
    const schema = await schemaWith();

    const outcomes = await fixture.maintain([schema], { rule: { interval: 'day', premake: 100 } });

    expect(outcomes[schema]?.created).toHaveLength(101);
    expect(await fixture.partitions(schema)).toHaveLength(101);
  });

  test('is only told in a dry run', async () => {
    const schema = await schemaWith(month('2020_01', '2020-01-01', '2020-02-01'));

    const outcomes = await fixture.maintain([schema], {
      dryRun: true,
      rule: { retentionMonths: 12, onRetention: 'drop' },
    });

    expect(outcomes[schema]).toMatchObject({
      created: ['ledger_2026_11', 'ledger_2026_12'],
      dropped: ['ledger_2020_01'],
    });
    expect(await fixture.partitions(schema)).toEqual(['ledger_2020_01 2020-01-01 2020-02-01']);
  });
});

describe('a tenant with a difficulty', () => {
  test('is named, and the others get their partitions', async () => {
    const good = await schemaWith();
    const dropped = await schemaWith('DROP TABLE ledger');
    const plain = await schemaWith('DROP TABLE ledger; CREATE TABLE ledger (created_at timestamptz)');
    const listed = await schemaWith(
      'DROP TABLE ledger; CREATE TABLE ledger (created_at timestamptz) PARTITION BY LIST (created_at)',
    );

    const outcomes = await fixture.maintain([dropped, plain, listed, 'tenant_gone', good]);

    const states = (schema: string) => outcomes[schema]?.failures.map(({ sqlState }) => sqlState);
    expect(outcomes[good]?.created).toHaveLength(2);
    expect(states(dropped)).toEqual(['42P01']);
    expect(states(plain)).toEqual(['42809']);
    expect(states(listed)).toEqual(['0A000']);
    expect(states('tenant_gone')).toEqual(['3F000']);
  });

  test('is passed over where the table is only there for some', async () => {
    const without = await schemaWith('DROP TABLE ledger');

    const outcomes = await fixture.maintain([without], { expectTable: false });

    expect(outcomes[without]).toMatchObject({ created: [], failures: [] });
  });

  test('whose table is locked gets it later, and nobody waits for it', async () => {
    const busy = await schemaWith();
    const others = [await schemaWith(), await schemaWith(), await schemaWith()];
    const release = await lock(busy, 'ledger');

    const running = fixture.maintain([busy, ...others]);
    await until('the others have their partitions', async () => {
      const found = await Promise.all(others.map((schema) => fixture.exists(schema, 'ledger_2026_12')));
      return found.every(Boolean);
    });
    expect(await fixture.exists(busy, 'ledger_2026_12')).toBe(false);
    await release();

    expect((await running)[busy]).toMatchObject({
      created: ['ledger_2026_11', 'ledger_2026_12'],
      failures: [],
    });
  });

  test('whose one partition is locked is no difficulty', async () => {
    const schema = await schemaWith(month('2026_10', '2026-10-01', '2026-11-01'));
    const release = await lock(schema, 'ledger_2026_10');

    const outcomes = await fixture.maintain([schema]);
    await release();

    expect(outcomes[schema]).toMatchObject({ created: ['ledger_2026_11', 'ledger_2026_12'], failures: [] });
  });

  test('with an open transaction that has written to the table is not waited for, and nobody waits meanwhile', async () => {
    const schema = await schemaWith(PRESENT);
    const insert = `INSERT INTO ${schema}.ledger (location_id, created_at, quantity) VALUES (1, '2026-11-21', 1)`;

    await fixture.session(async (client) => {
      await client.query(`BEGIN; ${insert}`);
      const outcomes = await fixture.maintain([schema], { rule: { premake: 2 } });
      expect(outcomes[schema]).toMatchObject({ created: ['ledger_2027_01'], failures: [] });
      await fixture.execute(schema, `SET LOCAL lock_timeout = '100ms'; ${insert}`);
      await client.query('COMMIT');
    });
  });

  test('two keepers at once make each partition once, without a failure', async () => {
    const schemas = [await schemaWith(), await schemaWith()];

    const [one = {}, other = {}] = await Promise.all([
      fixture.maintain(schemas, { rule: { premake: 6 } }),
      fixture.maintain(schemas, { rule: { premake: 6 } }),
    ]);

    for (const schema of schemas) {
      const created = [one[schema], other[schema]].flatMap((outcome) => outcome?.created ?? []);
      expect(created.sort()).toEqual([...new Set(created)].sort());
      expect(created).toHaveLength(7);
      expect([one[schema]?.failures, other[schema]?.failures]).toEqual([[], []]);
      expect(await fixture.partitions(schema)).toHaveLength(7);
    }
  });
});

describe('retention', () => {
  test('takes expired partitions out and keeps them beside their table', async () => {
    const schema = await schemaWith(OLD + PRESENT);

    const outcomes = await fixture.maintain([schema], { rule: { retentionMonths: 22 } });

    expect(outcomes[schema]).toMatchObject({ detached: ['ledger_2024_12'], dropped: [], failures: [] });
    expect(await fixture.partitions(schema)).not.toContainEqual(expect.stringContaining('2024_12'));
    expect(await fixture.rows(`SELECT count(*)::int FROM ${schema}.ledger_2024_12`)).toEqual([{ count: 1 }]);
    expect(await fixture.rows(`SELECT count(*)::int FROM ${schema}.ledger`)).toEqual([{ count: 1 }]);
  });

  test('drops them with their rows where the policy says so', async () => {
    const schema = await schemaWith(OLD + PRESENT);

    const outcomes = await fixture.maintain([schema], { rule: { retentionMonths: 12, onRetention: 'drop' } });

    expect(outcomes[schema]?.dropped).toEqual(['ledger_2024_12', 'ledger_2025_01']);
    expect(await fixture.exists(schema, 'ledger_2024_12')).toBe(false);
    expect(await fixture.partitions(schema)).toHaveLength(2);
  });

  test('works where a default partition forbids detaching concurrently', async () => {
    const schema = await schemaWith(`${OLD}${PRESENT}CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT`);

    const detached = await fixture.maintain([schema], { rule: { retentionMonths: 22 } });
    const dropped = await fixture.maintain([schema], { rule: { retentionMonths: 12, onRetention: 'drop' } });

    expect(detached[schema]).toMatchObject({ detached: ['ledger_2024_12'], failures: [] });
    expect(dropped[schema]).toMatchObject({ dropped: ['ledger_2025_01'], failures: [] });
    expect(await fixture.exists(schema, 'ledger_2024_12')).toBe(true);
  });

  test('drops what a run that died had detached, and no other detached table', async () => {
    const schema = await schemaWith(
      `${OLD}${PRESENT}
       ALTER TABLE ledger DETACH PARTITION ledger_2024_12; ALTER TABLE ledger DETACH PARTITION ledger_2025_01;
       COMMENT ON TABLE ledger_2024_12 IS 'Partition of ledger to 2025-01-01 00:00:00+00, to be dropped by its policy'`,
    );

    const kept = await fixture.maintain([schema], { rule: { retentionMonths: 12 } });
    const dropped = await fixture.maintain([schema], { rule: { retentionMonths: 12, onRetention: 'drop' } });

    expect(kept[schema]?.detached).toEqual([]);
    expect(dropped[schema]?.dropped).toEqual(['ledger_2024_12']);
    expect(await fixture.exists(schema, 'ledger_2025_01')).toBe(true);
  });

  test('leaves a partition that a view needs, and says so', async () => {
    const schema = await schemaWith(`${OLD}${PRESENT}CREATE VIEW christmas AS SELECT * FROM ledger_2024_12`);

    const outcomes = await fixture.maintain([schema], { rule: { retentionMonths: 22, onRetention: 'drop' } });

    expect(outcomes[schema]).toMatchObject({
      dropped: [],
      failures: [{ partition: 'ledger_2024_12', sqlState: '2BP01' }],
    });
  });
});

describe.concurrent('a lock that outlasts all attempts', () => {
  test('leaves a table with nothing half made, and the failure 55P03', async () => {
    const busy = await schemaWith();
    const other = await schemaWith();
    const release = await lock(busy, 'ledger');

    const outcomes = await fixture.maintain([busy, other]);
    await release();

    expect(outcomes[busy]).toMatchObject({ created: [], failures: [{ sqlState: '55P03' }] });
    expect(outcomes[other]).toMatchObject({ created: ['ledger_2026_11', 'ledger_2026_12'], failures: [] });
    expect(await fixture.exists(busy, 'ledger_2026_11')).toBe(false);
  }, 30_000);

  test('leaves a detaching unfinished, which the next run finishes, and the dropping after it', async () => {
    const schema = await schemaWith(OLD + PRESENT);
    const rule = { retentionMonths: 22, onRetention: 'drop' } as const;
    const release = await lock(schema, 'ledger', 'ACCESS SHARE');

    const interrupted = await fixture.maintain([schema], { rule });
    const pending = await fixture.rows('SELECT FROM pg_inherits WHERE inhdetachpending');
    await release();
    const finished = await fixture.maintain([schema], { rule });

    expect(interrupted[schema]).toMatchObject({ dropped: [], failures: [{ sqlState: '55P03' }] });
    expect(pending).toHaveLength(1);
    expect(finished[schema]).toMatchObject({ dropped: ['ledger_2024_12'], failures: [] });
    expect(await fixture.exists(schema, 'ledger_2024_12')).toBe(false);
  }, 30_000);
});

describe('rows in a default partition', () => {
  const STRAY = `
    CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT;
    INSERT INTO ledger (location_id, created_at, quantity)
    SELECT 1, at::timestamptz, 1 FROM unnest(ARRAY['2026-12-01 00:00+00', '2026-12-31 23:59:59.999999+00',
      '2026-09-15', '2019-05-05', 'infinity', '0044-03-15 BC']) AS at;`;

  test('are reported by period, and their period’s partition is not made', async () => {
    const schema = await schemaWith(STRAY);

    const outcomes = await fixture.maintain([schema], { rule: { premake: 2 } });

    expect(outcomes[schema]).toMatchObject({ created: ['ledger_2026_11', 'ledger_2027_01'], failures: [] });
    expect(periodsOf(outcomes[schema])).toEqual([
      ['2019_05', 1, false],
      ['2026_09', 1, false],
      ['2026_12', 2, false],
      [null, 1, false],
      [null, 1, false],
    ]);
  });

  test('are counted by the zone’s clocks', async () => {
    const schema = await schemaWith(STRAY);

    const outcomes = await fixture.maintain([schema], {
      dryRun: true,
      rule: { timeZone: 'America/New_York' },
    });

    expect(periodsOf(outcomes[schema])).toContainEqual(['2026_11', 1, false]);
  });

  test('are moved into partitions of their periods when asked, but for the expired ones', async () => {
    const schema = await schemaWith(STRAY);

    const outcomes = await fixture.maintain([schema], {
      moveDefaultRows: true,
      rule: { retentionMonths: 24 },
    });

    expect(outcomes[schema]).toMatchObject({
      created: ['ledger_2026_11', 'ledger_2026_09', 'ledger_2026_12'],
      failures: [],
    });
    expect(periodsOf(outcomes[schema])).toEqual([
      ['2019_05', 1, false],
      ['2026_09', 1, true],
      ['2026_12', 2, true],
      [null, 1, false],
      [null, 1, false],
    ]);
    const rows = await fixture.rows(
      `SELECT tableoid::regclass::text AS partition, count(*)::int FROM ${schema}.ledger GROUP BY 1 ORDER BY 1`,
    );
    expect(rows).toEqual([
      { partition: `${schema}.ledger_2026_09`, count: 1 },
      { partition: `${schema}.ledger_2026_12`, count: 2 },
      { partition: `${schema}.ledger_rest`, count: 3 },
    ]);
  });

  test('are moved past triggers that forbid deletions, which then forbid them again', async () => {
    const schema = await schemaWith(`
      ${STRAY}
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a ledger forgets nothing'; END $$;
      CREATE TRIGGER a_forever BEFORE DELETE OR UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION refuse();
      CREATE TRIGGER b_always AFTER DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION refuse();
      ALTER TABLE ledger_rest ENABLE ALWAYS TRIGGER b_always`);

    const outcomes = await fixture.maintain([schema], { moveDefaultRows: true });

    expect(outcomes[schema]).toMatchObject({ failures: [] });
    expect(outcomes[schema]?.created).toContain('ledger_2026_12');
    await expect(fixture.execute(schema, 'DELETE FROM ledger')).rejects.toThrow('a ledger forgets nothing');
    const triggers = await fixture.rows(
      `SELECT tgname::text AS name, tgenabled::text AS enabled FROM pg_trigger
       WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1`,
      [`${schema}.ledger_rest`],
    );
    expect(triggers).toEqual([
      { name: 'a_forever', enabled: 'O' },
      { name: 'b_always', enabled: 'A' },
    ]);
  });

  test('that foreign keys point at stay, since a deletion would take the rows that need them', async () => {
    const schema = await schemaWith(`
      CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT;
      INSERT INTO ledger (location_id, created_at, quantity) VALUES (1, '2026-12-24', 1);
      CREATE TABLE notes (ledger_id bigint, at timestamptz,
        FOREIGN KEY (ledger_id, at) REFERENCES ledger (id, created_at) ON DELETE CASCADE);
      INSERT INTO notes SELECT id, created_at FROM ledger`);

    const outcomes = await fixture.maintain([schema], { moveDefaultRows: true });

    expect(outcomes[schema]).toMatchObject({
      created: ['ledger_2026_11'],
      failures: [
        { partition: 'ledger_2026_12', sqlState: '2BP01', message: expect.stringContaining('notes') },
      ],
    });
    expect(await fixture.rows(`SELECT count(*)::int FROM ${schema}.notes`)).toEqual([{ count: 1 }]);
  });

  test('of one locked default partition keep nobody else waiting', async () => {
    const busy = await schemaWith(STRAY);
    const other = await schemaWith(STRAY);
    const release = await lock(busy, 'ledger_rest');

    const running = fixture.maintain([busy, other]);
    await until('the other has its partition', () => fixture.exists(other, 'ledger_2026_11'));
    await release();

    const outcomes = await running;
    expect(outcomes[busy]).toMatchObject({ created: ['ledger_2026_11'], failures: [] });
    expect(outcomes[other]).toMatchObject({ created: ['ledger_2026_11'], failures: [] });
  });
});

test.each([
  'Europe/Berlin',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Africa/Casablanca',
])('every midnight of twenty years in %s is where PostgreSQL sees it', async (zone) => {
  const found = await fixture.session(async (client) => {
    const results = await client.query(
      `SET LOCAL TimeZone = '${zone}';
         SELECT to_char(day, 'YYYY-MM-DD') AS day, extract(epoch FROM day::timestamptz)::float8 * 1000 AS instant
         FROM generate_series(timestamp '2008-01-01', timestamp '2028-01-01', '1 day') AS day`,
    );
    return (results as unknown as { rows: { day: string; instant: number }[] }[]).at(-1)?.rows ?? [];
  });

  const wrong = found.filter(({ day, instant }) => toInstant(Date.parse(day), zone) !== instant);

  expect(found.length).toBeGreaterThan(7_000);
  expect(wrong).toEqual([]);
});

test('the targets of a policy are its tenants that are in use, and the schemas in stock', async () => {
  const { control, server } = provisioning;
  const { id: databaseId, databaseName } = await provisioning.make();
  const templateId = randomUUID();
  await control.query(`INSERT INTO templates (id, name, status) VALUES ($1, 'ledger', 'active')`, [
    templateId,
  ]);
  for (const [at, status] of ['active', 'suspended', 'creating', 'deleting', 'failed'].entries()) {
    await control.query(
      `INSERT INTO tenants (id, slug, name, isolation, status, server_id, database_id, schema_name, max_connections,
         statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms, template_id)
       VALUES (gen_random_uuid(), $1, $1, 'schema', $1, $2, $3, $4, 1, 0, 0, 0, $5)`,
      [status, server.id, databaseId, `tenant_000${at}`, templateId],
    );
  }
  for (const [at, state] of ['ready', 'building', 'retired'].entries()) {
    await control.query(
      `INSERT INTO warm_schemas (id, server_id, database_id, template_id, template_version, schema_name, username, state)
       VALUES (gen_random_uuid(), $1, $2, $3, 1, $4, $4, $5)`,
      [server.id, databaseId, templateId, `tenant_001${at}`, state],
    );
  }
  const targets = provisioning.context.get(PartitionTargets);

  const found = await targets.find({ templateId });

  expect(found).toMatchObject([{ databaseId, databaseName, serverId: server.id }]);
  const schemas = found[0]?.targets.map(({ slug, schemaName }) => `${slug} ${schemaName}`);
  expect(schemas?.sort()).toEqual(['active tenant_0000', 'null tenant_0010', 'suspended tenant_0001']);
  expect(await targets.find({ databaseId })).toEqual(found);
  expect(await targets.find({ databaseId: randomUUID() })).toEqual([]);
});

function periodsOf(
  outcome: { defaultRows: readonly { period: string | null; rows: number; moved: boolean }[] } | undefined,
) {
  const found = (outcome?.defaultRows ?? []).map(({ period, rows, moved }) => [period, rows, moved]);
  return found.sort((one, other) => String(one[0]).localeCompare(String(other[0])));
}

/** Holds a lock in a transaction of its own until the answer is called. */
async function lock(schema: string, table: string, mode = 'ACCESS EXCLUSIVE'): Promise<() => Promise<void>> {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = false;
  const held = fixture.session(async (client) => {
    await client.query(`BEGIN; LOCK TABLE ${schema}.${table} IN ${mode} MODE`);
    isHeld = true;
    await released;
    await client.query('COMMIT');
  });
  await until('the lock is held', () => isHeld);
  return async () => {
    release();
    await held;
  };
}
