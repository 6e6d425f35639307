import { expect, test } from 'vitest';
import { Cidr } from '../../kernel/cidr.js';
import type { AccessPlan, AccessPort, GuardedHome, GuardedLogins } from './access-plan.js';
import { evaluateAccess } from './evaluate-access.js';

const rulesOf = (...networks: string[]) => networks.map((text) => ({ id: text, network: Cidr.parse(text) }));

const home: GuardedHome = {
  databases: ['home', 'home_shadow'],
  aliases: ['home', 'home_shadow', 'inherits'],
  roles: ['owner', 'inheritor'],
  rules: rulesOf('10.0.0.0/8', '2001:db8::/32'),
};
const tenant: GuardedLogins = {
  databases: ['home'],
  aliases: ['own_rules'],
  ownAliases: ['own_rules'],
  roles: ['tenant'],
  rules: rulesOf('192.0.2.0/24'),
};
const oneLogin: GuardedLogins = {
  databases: ['home', 'home_shadow'],
  aliases: ['home', 'home_shadow'],
  ownAliases: [],
  roles: ['reader'],
  rules: rulesOf('198.51.100.7'),
};
const plan: AccessPlan = {
  homes: [home],
  logins: [tenant, oneLogin],
  directPeers: [Cidr.parse('172.16.0.1')],
  pooledPeers: [Cidr.parse('172.16.0.2')],
};

test.each<[AccessPort, string, string, string, string | boolean]>([
  ['direct', 'home', 'owner', '10.1.2.3', '10.0.0.0/8'],
  ['direct', 'home_shadow', 'owner', '2001:db8::1', '2001:db8::/32'],
  ['direct', 'home', 'owner', '127.0.0.1', false],
  ['direct', 'home', 'owner', '192.0.2.1', false],
  ['pooled', 'inherits', 'inheritor', '10.1.2.3', '10.0.0.0/8'],
  ['pooled', 'inherits', 'inheritor', '11.1.2.3', false],
  ['pooled', 'home', 'owner', '::ffff:10.1.2.3', '10.0.0.0/8'],
  // A guarded home's login has no business elsewhere, wherever it comes from.
  ['direct', 'other', 'owner', '10.1.2.3', false],
  ['pooled', 'other', 'inheritor', '10.1.2.3', false],
  // A tenant's own rules count instead of those of the database that it is in.
  ['direct', 'home', 'tenant', '192.0.2.9', '192.0.2.0/24'],
  ['direct', 'home', 'tenant', '10.1.2.3', false],
  ['direct', 'home_shadow', 'tenant', '192.0.2.9', false],
  ['pooled', 'own_rules', 'tenant', '192.0.2.9', '192.0.2.0/24'],
  ['pooled', 'own_rules', 'tenant', '10.1.2.3', false],
  ['pooled', 'home', 'tenant', '192.0.2.9', false],
  ['pooled', 'own_rules', 'owner', '10.1.2.3', false],
  ['pooled', 'own_rules', 'stranger', '192.0.2.9', false],
  // So do a login's own networks.
  ['direct', 'home', 'reader', '198.51.100.7', '198.51.100.7/32'],
  ['pooled', 'home', 'reader', '198.51.100.7', '198.51.100.7/32'],
  ['direct', 'home', 'reader', '10.1.2.3', false],
  // Rowhouse and the pooler themselves.
  ['direct', 'home', 'owner', '172.16.0.1', true],
  ['direct', 'home', 'tenant', '172.16.0.1', true],
  ['direct', 'home', 'owner', '172.16.0.2', false],
  ['pooled', 'own_rules', 'tenant', '172.16.0.2', true],
  ['pooled', 'other', 'owner', '172.16.0.2', false],
  // What is not guarded is open.
  ['direct', 'other', 'stranger', '203.0.113.1', true],
  ['pooled', 'other', 'stranger', '203.0.113.1', true],
])('%s %s as %s from %s: %s', (port, database, role, address, expected) => {
  const { allowed, rule } = evaluateAccess(plan, { port, database, role, address });

  expect(allowed).toBe(expected !== false);
  expect(rule?.network.toString() ?? null).toBe(typeof expected === 'string' ? expected : null);
});

test('a guarded home without a rule lets nobody in', () => {
  const closed = { ...plan, homes: [{ ...home, rules: [] }], logins: [] };

  for (const port of ['direct', 'pooled'] as const) {
    const attempt = { port, database: 'home', role: 'owner', address: '10.1.2.3' };
    expect(evaluateAccess(closed, attempt).allowed).toBe(false);
  }
});
