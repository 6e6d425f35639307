import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { errorCodeOf } from '../support/sql.js';
import { type HostingDatabase, rows, startHosting, type TenantName } from './hosting-database.js';

const makeHost = await startHosting();

/** One tenant for each table `ledger` of these columns and bounds. */
async function makeTenants(...ledgers: string[]): Promise<{ host: HostingDatabase; names: TenantName[] }> {
  const host = await makeHost();
  await host.addTemplate(randomUUID(), 'empty', [[{ name: '01.sql', kind: 'schema', sql: '' }]]);
  const names: TenantName[] = [];
  for (const ledger of ledgers) {
    const name = await host.createTenant();
    await host.query('dba', 'SELECT shared.run_tenant_sql($1, $2)', [name, ledger]);
    names.push(name);
  }
  return { host, names };
}

const LEDGER = 'CREATE TABLE ledger (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);';
const MAKE = 'SELECT * FROM shared.create_monthly_partitions($1)';

/** `ledger_YYYY_MM` from this month on. */
async function monthsFrom(host: HostingDatabase, first: number, last: number): Promise<unknown[]> {
  const found = await host.query(
    'dba',
    `SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month', '"ledger_"YYYY_MM') AS name
     FROM generate_series(${first}, ${last}) AS n`,
  );
  return found.map(({ name }) => name);
}

function partitionsOf(made: Record<string, unknown>[], schema: string | undefined): unknown[] {
  return made.filter((row) => row.schema_name === schema).map((row) => row.partition_name);
}

test('makes what is missing of this month and three more in every tenant, once', async () => {
  const { host, names } = await makeTenants(LEDGER, LEDGER);

  const made = await host.query('dba', 'SELECT * FROM shared.create_monthly_partitions()');

  const expected = await monthsFrom(host, 0, 3);
  for (const name of names) expect(partitionsOf(made, name)).toEqual(expected);
  expect(await host.query('dba', MAKE, [3])).toEqual([]);
  const next = await host.query('dba', MAKE, [4]);
  expect(partitionsOf(next, names[0])).toEqual(await monthsFrom(host, 4, 4));
  const [row] = await host.query(
    names[0] ?? 'dba',
    "INSERT INTO ledger VALUES (1, date_trunc('month', now(), 'UTC') + interval '32 days') RETURNING tableoid::regclass::text",
  );
  expect(row).toEqual({ tableoid: expected[1] });
});

test('cuts at midnight in UTC, wherever the session is', async () => {
  const { host, names } = await makeTenants(LEDGER);
  const dba = await host.connect('dba');
  await dba.query("SET timezone = 'America/St_Johns'; SET datestyle = 'German'");

  await rows(dba, MAKE, [0]);

  const [bounds] = await host.query(
    'dba',
    `SET timezone = 'UTC';
     SELECT pg_get_expr(relpartbound, oid) =
       format('FOR VALUES FROM (%L) TO (%L)', date_trunc('month', now()), date_trunc('month', now()) + interval '1 month')
       AS match
     FROM pg_class WHERE relnamespace = '${names[0]}'::regnamespace AND relispartition`,
  );
  expect(bounds).toEqual({ match: true });
});

test.each([
  ['a date', 'CREATE TABLE ledger (day date NOT NULL) PARTITION BY RANGE (day);', 2],
  ['a timestamp', 'CREATE TABLE ledger (at timestamp NOT NULL) PARTITION BY RANGE (at);', 2],
  ['a time with a default partition', `${LEDGER} CREATE TABLE rest PARTITION OF ledger DEFAULT;`, 2],
  ['a number', 'CREATE TABLE ledger (n bigint NOT NULL) PARTITION BY RANGE (n);', 0],
  ['a list', 'CREATE TABLE ledger (day date NOT NULL) PARTITION BY LIST (day);', 0],
  [
    'days',
    `${LEDGER} CREATE TABLE ledger_day PARTITION OF ledger FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');`,
    0,
  ],
  [
    'all time already',
    `${LEDGER} CREATE TABLE ledger_all PARTITION OF ledger FOR VALUES FROM (MINVALUE) TO (MAXVALUE);`,
    0,
  ],
])('a table that is partitioned by %s', async (_, ledger, count) => {
  const { host } = await makeTenants(ledger);

  expect(await host.query('dba', MAKE, [1])).toHaveLength(count);
});

test('a tenant that is busy or has rows in the way is warned about, and the others are served', async () => {
  const inTheWay = `${LEDGER} CREATE TABLE rest PARTITION OF ledger DEFAULT; INSERT INTO ledger VALUES (1, now());`;
  const { host, names } = await makeTenants(LEDGER, inTheWay, LEDGER);
  const [busy, blocked, free] = names;
  const holder = await host.connect('provisioner');
  await holder.query(`BEGIN; LOCK TABLE ${busy}.ledger`);
  const dba = await host.connect('dba');
  const warnings: string[] = [];
  dba.on('notice', ({ severity, message }) => warnings.push(`${severity}: ${message}`));

  const made = await rows(dba, MAKE, [1]);

  const months = await monthsFrom(host, 0, 1);
  expect(partitionsOf(made, free)).toEqual(months);
  expect(made).toHaveLength(2);
  expect(warnings).toEqual([
    expect.stringContaining(`WARNING: the partition ${busy}.${months[0]} was not made: canceling statement`),
    expect.stringContaining(`WARNING: the partition ${blocked}.${months[0]} was not made:`),
  ]);

  await holder.query('ROLLBACK');
  expect(partitionsOf(await rows(dba, MAKE, [1]), busy)).toEqual(months);
});

test('lets others write the table while it adds partitions', async () => {
  const { host, names } = await makeTenants(LEDGER);
  await host.query('dba', MAKE, [0]);
  const maker = await host.connect('dba');
  await maker.query('BEGIN');
  expect(await rows(maker, MAKE, [2])).toHaveLength(2);

  const [tenant] = names;
  await host.query(tenant ?? 'dba', "SET lock_timeout = '1s'; INSERT INTO ledger VALUES (1, now())");
});

test.each([-1, 121, null])('refuses %j months ahead', async (months) => {
  const { host } = await makeTenants();

  expect(await errorCodeOf(host.query('dba', MAKE, [months]))).toBe('22023');
});
