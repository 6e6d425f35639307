import { describe, expect, test } from 'vitest';
import type { RowhouseError } from '../../kernel/errors.js';
import { assertRoom, findOverlaps, planAddition, planPatch, planReplacement, toWish } from './list-change.js';
import { MAX_RULES, type WhitelistRule } from './whitelist-rule.js';

const NOW = new Date('2026-01-31T12:00:00Z');
const LATER = '2026-01-31T13:00:00Z';
const EARLIER = '2026-01-31T11:00:00Z';
const ID = '00000000-0000-4000-8000-000000000001';

function rule(network: string, fields: Partial<WhitelistRule> = {}): WhitelistRule {
  return {
    id: ID,
    databaseId: ID,
    tenantId: null,
    network,
    description: '',
    expiresAt: null,
    expiredAt: null,
    appliedAt: NOW,
    removedAt: null,
    createdBy: 'admin',
    createdAt: NOW,
    ...fields,
  };
}

const wishes = (...networks: string[]) =>
  networks.map((ipAddress, at) => toWish({ ipAddress }, `rules[${at}]`));

function fieldsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    return (error as RowhouseError).errors.map(({ field }) => field);
  }
  return [];
}

describe('an addition', () => {
  test('refuses a network that the list has in another notation, and names its rule', () => {
    const plan = () =>
      planAddition([rule('203.0.113.5/32')], [toWish({ ipAddress: '203.0.113.5' }, '')], NOW);

    expect(plan).toThrow(ID);
    expect(fieldsOf(plan)).toEqual(['ipAddress']);
  });

  test('refuses a network twice in one request', () => {
    expect(fieldsOf(() => planAddition([], wishes('2001:DB8::/32', '2001:db8::/32'), NOW))).toEqual([
      'rules[1].ipAddress',
    ]);
  });

  test('refuses an end that is past, and now', () => {
    const past = [EARLIER, NOW.toISOString(), LATER].map((expiresAt, at) =>
      toWish({ ipAddress: `203.0.113.${at}`, expiresAt }, `add[${at}]`),
    );

    expect(fieldsOf(() => planAddition([], past, NOW))).toEqual(['add[0].expiresAt', 'add[1].expiresAt']);
  });

  test('tells what it overlaps, wider and narrower, and not itself', () => {
    const added = wishes('10.0.0.0/8');
    const networks = [...wishes('10.1.0.0/16', '0.0.0.0/0', '11.0.0.0/8', '::/0'), ...added];

    expect(
      findOverlaps(
        networks.map(({ network }) => network),
        added,
      ),
    ).toEqual(['0.0.0.0/0', '10.1.0.0/16']);
  });
});

describe('a patch', () => {
  const known = [rule('10.0.0.0/8'), rule('203.0.113.5/32', { id: ID.replace(/1$/, '2') })];

  test('takes away by id and by network', () => {
    const { removed } = planPatch(known, { wishes: [], removals: [ID.toUpperCase(), '203.0.113.5'] }, NOW);

    expect(removed).toEqual(known);
  });

  test('names every removal that is not in the list', () => {
    expect(
      fieldsOf(() => planPatch(known, { wishes: [], removals: ['10.0.0.0/8', '10.0.0.0/9'] }, NOW)),
    ).toEqual(['remove[1]']);
  });

  test('may add anew what it takes away', () => {
    const change = planPatch(known, { wishes: wishes('10.0.0.0/8'), removals: ['10.0.0.0/8'] }, NOW);

    expect([change.added.length, change.removed.length]).toEqual([1, 1]);
  });
});

describe('a replacement', () => {
  test('keeps what stays, updates what differs, and takes the rest away', () => {
    const [stays, differs, goes] = [rule('10.0.0.0/8'), rule('11.0.0.0/8'), rule('12.0.0.0/8')];
    const wanted = [
      toWish({ ipAddress: '10.0.0.0/8' }, 'rules[0]'),
      toWish({ ipAddress: '11.0.0.0/8', description: 'new' }, 'rules[1]'),
      toWish({ ipAddress: '13.0.0.0/8' }, 'rules[2]'),
    ];

    const change = planReplacement([stays, differs, goes], wanted, NOW);

    expect(change.added.map(({ network }) => String(network))).toEqual(['13.0.0.0/8']);
    expect(change.removed).toEqual([goes]);
    expect(change.updated.map((update) => update.rule)).toEqual([differs]);
  });

  test('may name an expired rule as it is, but no other end that is past', () => {
    const expired = rule('10.0.0.0/8', { expiresAt: new Date(EARLIER) });
    const replace = (expiresAt: string) => () =>
      planReplacement([expired], [toWish({ ipAddress: '10.0.0.0/8', expiresAt }, 'rules[0]')], NOW);

    expect(fieldsOf(replace(EARLIER))).toEqual([]);
    expect(fieldsOf(replace('2026-01-31T11:30:00Z'))).toEqual(['rules[0].expiresAt']);
  });
});

test('a list has room for as many rules as it may have, counting what goes', () => {
  const change = { added: wishes('10.0.0.0/8'), removed: [], updated: [] };

  expect(fieldsOf(() => assertRoom(MAX_RULES - 1, change, 'add'))).toEqual([]);
  expect(fieldsOf(() => assertRoom(MAX_RULES, change, 'add'))).toEqual(['add']);
  expect(fieldsOf(() => assertRoom(MAX_RULES, { ...change, removed: [rule('11.0.0.0/8')] }, 'add'))).toEqual(
    [],
  );
});
