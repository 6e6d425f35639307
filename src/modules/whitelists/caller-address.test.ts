import { describe, expect, test } from 'vitest';
import { Cidr } from '../../kernel/cidr.js';
import {
  admissionOf,
  assertKeepsCaller,
  type ListedTerms,
  warningOf,
  warningOfWideRules,
} from './caller-address.js';

const OPEN: ListedTerms = { whitelistSize: 0, externalAccess: null, networks: [], host: null };
const listed = (networks: string[], fields: Partial<ListedTerms> = {}): ListedTerms => ({
  ...OPEN,
  whitelistSize: networks.length,
  networks: networks.map(Cidr.parse),
  ...fields,
});

describe('an address', () => {
  test.each<[string, ListedTerms, string]>([
    ['gets in everywhere without rules', OPEN, 'open'],
    ['gets in nowhere when that is closed', { ...OPEN, externalAccess: false }, 'closed'],
    ['gets in by a rule', listed(['10.0.0.0/8']), 'rule'],
    [
      'gets in by a rule also where it would be closed without',
      listed(['10.0.0.0/8'], { externalAccess: false }),
      'rule',
    ],
    ['does not get in by the rules of others', listed(['11.0.0.0/8']), 'no_rule'],
    ['does not get in when all rules have expired', { ...OPEN, whitelistSize: 1 }, 'no_rule'],
    ['gets into a tenant by a rule of its host', { ...OPEN, host: listed(['10.0.0.0/8']) }, 'rule'],
    [
      'is refused by the tenant’s own rules first',
      listed(['11.0.0.0/8'], { host: listed(['10.0.0.0/8']) }),
      'no_rule',
    ],
    [
      'is refused by a closed tenant in an open host',
      { ...OPEN, externalAccess: false, host: OPEN },
      'closed',
    ],
    [
      'is refused by the host of a tenant that would be open',
      { ...OPEN, externalAccess: true, host: listed(['11.0.0.0/8']) },
      'no_rule',
    ],
  ])('%s', (_, terms, admission) => {
    expect(admissionOf('10.1.2.3', terms, 'open')).toBe(admission);
  });

  test('is refused without rules where homes are closed by default, unless they say otherwise', () => {
    expect(admissionOf('10.1.2.3', OPEN, 'closed')).toBe('closed');
    expect(admissionOf('10.1.2.3', { ...OPEN, externalAccess: true }, 'closed')).toBe('open');
  });
});

test('only a caller whom a rule admits can be locked out', () => {
  expect(() => assertKeepsCaller('10.1.2.3', 'rule', 'no_rule')).toThrow('10.1.2.3');
  expect(() => assertKeepsCaller('10.1.2.3', 'rule', 'closed')).toThrow();
  expect(() => assertKeepsCaller('10.1.2.3', 'rule', 'open')).not.toThrow();
  expect(() => assertKeepsCaller('10.1.2.3', 'open', 'no_rule')).not.toThrow();
  expect(() => assertKeepsCaller('10.1.2.3', 'no_rule', 'no_rule')).not.toThrow();
});

test('warns of being shut out, and of a list that ran empty', () => {
  expect(warningOf('10.1.2.3', 'rule')).toBeNull();
  expect(warningOf('10.1.2.3', 'no_rule')).toContain('10.1.2.3');
  expect(warningOf('10.1.2.3', 'closed')).toContain('nobody');
  expect(warningOf('10.1.2.3', 'open')).toContain('everybody');
  expect(warningOf(null, 'no_rule')).toBeNull();
});

test('warns of rules that admit everybody', () => {
  const networks = ['10.0.0.0/8', '0.0.0.0/0', '::/0'].map((text) => Cidr.parse(text));

  expect(warningOfWideRules(networks.slice(0, 1))).toBeNull();
  expect(warningOfWideRules(networks.slice(0, 2))).toMatch(/^0\.0\.0\.0\/0 admits every address/);
  expect(warningOfWideRules(networks)).toContain('::/0');
});
