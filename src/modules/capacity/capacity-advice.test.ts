import { describe, expect, test } from 'vitest';
import { adviceOn, type Situation } from './capacity-advice.js';
import type { CapacityFacts } from './capacity-facts.js';

const MEGABYTE = 1024 * 1024;
const NOW = new Date('2026-11-21T12:00:00Z');

const FACTS: CapacityFacts = {
  schemas: 20,
  relations: new Map([
    ['r', 1_000],
    ['i', 3_000],
  ]),
  catalogs: [{ name: 'pg_attribute', bytes: 20 * MEGABYTE, liveRows: 60_000, deadRows: 10_000 }],
  databaseBytes: 100 * MEGABYTE,
  xidAge: 1_000,
  multixactAge: 10,
  settings: {
    maxLocksPerTransaction: 512,
    maxConnections: 300,
    maxPreparedTransactions: 0,
    recoveryInitSyncMethod: 'syncfs',
  },
  tenantSchemas: [{ schema: 'tenant_0001', bytes: MEGABYTE, relations: 361 }],
  partitionedTables: [],
};

/** `CODE severity` of each piece of advice. */
function advice(facts: Partial<CapacityFacts>, situation: Partial<Situation> = {}): string[] {
  const given = adviceOn({
    facts: { ...FACTS, ...facts },
    tenants: 18,
    maxTenants: 500,
    now: NOW,
    ...situation,
  });
  return given.map(({ code, severity }) => `${code} ${severity}`);
}

const relations = (tables: number, indexes: number) =>
  new Map([
    ['r', tables],
    ['i', indexes],
  ]);

test('a database with room needs no advice', () => {
  expect(advice({})).toEqual([]);
  expect(advice({}, { maxTenants: null, tenants: 1 })).toEqual([]);
});

describe('advice', () => {
  test.each([
    [399, []],
    [400, ['TENANTS_NEAR_LIMIT warn']],
    [500, ['TENANTS_NEAR_LIMIT critical']],
  ])('at %i of 500 tenants', (tenants, expected) => {
    expect(advice({}, { tenants })).toEqual(expected);
  });

  test('on many schemas and large catalogs', () => {
    const catalogs = [
      { name: 'pg_attribute', bytes: 665 * MEGABYTE, liveRows: 4_000_000, deadRows: 1_000_000 },
    ];

    expect(advice({ schemas: 501, catalogs })).toEqual(['MANY_SCHEMAS warn', 'CATALOGS_LARGE warn']);
    expect(advice({ schemas: 2_001 })).toEqual(['MANY_SCHEMAS critical']);
  });

  test('on catalogs that autovacuum does not keep up with', () => {
    const catalogs = [{ name: 'pg_depend', bytes: MEGABYTE, liveRows: 100_000, deadRows: 150_001 }];

    expect(advice({ catalogs })).toEqual(['CATALOGS_BLOATED warn']);
  });

  test('on a lock table that is too small for a dump or a drop', () => {
    const settings = { ...FACTS.settings, maxLocksPerTransaction: 64, maxConnections: 100 };

    expect(advice({ settings, relations: relations(3_300, 0) })).toEqual(['DUMP_LOCKS warn']);
    expect(advice({ settings, relations: relations(6_401, 0) })).toEqual(['DUMP_LOCKS critical']);
    expect(
      advice({ settings, tenantSchemas: [{ schema: 'tenant_0002', bytes: 1, relations: 500 }] }),
    ).toEqual(['DROP_LOCKS warn']);
  });

  test('on dumps and crash restarts that take long', () => {
    const settings = { ...FACTS.settings, recoveryInitSyncMethod: 'fsync' };

    expect(advice({ relations: relations(10_000, 130_000) })).toEqual(['DUMP_SLOW info']);
    expect(advice({ settings, relations: relations(10_000, 50_000) })).toEqual(['CRASH_RESTART_SLOW warn']);
    expect(advice({ settings, relations: relations(50_000, 540_000) })).toEqual([
      'CRASH_RESTART_SLOW critical',
      'DUMP_SLOW info',
    ]);
  });

  test('on transaction ids that grow old', () => {
    expect(advice({ xidAge: 600_000_000 })).toEqual(['WRAPAROUND warn']);
    expect(advice({ multixactAge: 1_600_000_000 })).toEqual(['WRAPAROUND critical']);
  });
});

describe('advice on partitions', () => {
  const table = (newest: string | null, hasDefaultRows = false) => ({
    partitionedTables: [{ schema: 'tenant_0001', table: 'ledger', newest, hasDefaultRows }],
  });
  const range = (from: string, to: string) => `FOR VALUES FROM ('${from}') TO ('${to}')`;

  test.each([
    ['the next period is there', range('2026-12-01 00:00:00+00', '2027-01-01 00:00:00+00'), []],
    [
      'the present one is the last',
      range('2026-11-01 00:00:00+00', '2026-12-01 00:00:00+00'),
      ['PARTITIONS_RUN_OUT warn'],
    ],
    ['the last has ended', range('2026-10-01', '2026-11-01'), ['PARTITIONS_RUN_OUT critical']],
    ['the last day is there', range('2026-11-22', '2026-11-23'), []],
    ['the last ended long ago', range('2024-10-01', '2024-11-01'), []],
    ['the last is open', "FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)", []],
    ['there is none', null, []],
  ])('when %s', (_, newest, expected) => {
    expect(advice(table(newest))).toEqual(expected);
  });

  test('tells of rows in default partitions', () => {
    expect(advice(table(null, true))).toEqual(['DEFAULT_PARTITION_ROWS warn']);
  });
});
