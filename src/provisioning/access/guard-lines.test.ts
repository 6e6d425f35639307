import { describe, expect, test } from 'vitest';
import { renderHbaLine } from '../../infra/hba/hba-line.js';
import { renderHba } from '../../infra/pgbouncer/hba.js';
import { Cidr } from '../../kernel/cidr.js';
import type { AccessPlan, AccessPort, GuardedHome, GuardedLogins } from './access-plan.js';
import { accessJudge } from './evaluate-access.js';
import { guardLines } from './guard-lines.js';
import { renderPgHba } from './pg-hba.js';

const NOBODY: AccessPlan = { homes: [], logins: [], directPeers: [], pooledPeers: [] };

const rulesOf = (...networks: string[]) => networks.map((text) => ({ id: text, network: Cidr.parse(text) }));

function homeOf(name: string, ...networks: string[]): GuardedHome {
  const names = [name, `${name}_shadow`];
  return { databases: names, aliases: names, roles: [`${name}_owner`], rules: rulesOf(...networks) };
}

function linesOf(plan: Partial<AccessPlan>, port: AccessPort = 'direct'): string[] {
  return guardLines({ ...NOBODY, ...plan }, port).map((line) => renderHbaLine(line).trimEnd());
}

test('writes one line for a network that homes share, and one pair of refusals for all of them', () => {
  const homes = [homeOf('b', '10.0.0.0/8'), homeOf('a', '10.0.0.0/8', '2001:db8::/32')];

  expect(linesOf({ homes })).toEqual([
    'hostssl "a","a_shadow","b","b_shadow" all 10.0.0.0/8 scram-sha-256',
    'hostssl "a","a_shadow" all 2001:db8::/32 scram-sha-256',
    'host "a","a_shadow","b","b_shadow" all 0.0.0.0/0 reject',
    'host "a","a_shadow","b","b_shadow" all ::/0 reject',
    'host all "a_owner","b_owner" 0.0.0.0/0 reject',
    'host all "a_owner","b_owner" ::/0 reject',
  ]);
});

test('asks for no TLS from exactly 127.0.0.1 and ::1, also where they lie in a wider network', () => {
  const admitted = (...networks: string[]) =>
    linesOf({ homes: [homeOf('a', ...networks)] }).filter((line) => line.endsWith('scram-sha-256'));

  expect(admitted('127.0.0.0/8', '::1')).toEqual([
    'hostssl "a","a_shadow" all 127.0.0.0/8 scram-sha-256',
    'host "a","a_shadow" all 127.0.0.1/32 scram-sha-256',
    'host "a","a_shadow" all ::1/128 scram-sha-256',
  ]);
  expect(admitted('127.0.0.2')).toEqual(['hostssl "a","a_shadow" all 127.0.0.2/32 scram-sha-256']);
});

test("puts logins with rules of their own before their database's rules, and closes their aliases", () => {
  const logins: GuardedLogins[] = ['t2', 't1'].map((name) => ({
    databases: ['host'],
    aliases: [name],
    ownAliases: [name],
    roles: [name],
    rules: rulesOf('192.0.2.0/24'),
  }));

  expect(linesOf({ logins, homes: [homeOf('host', '10.0.0.0/8')] }).slice(0, 4)).toEqual([
    'hostssl "host" "t1","t2" 192.0.2.0/24 scram-sha-256',
    'host all "t1","t2" 0.0.0.0/0 reject',
    'host all "t1","t2" ::/0 reject',
    'hostssl "host","host_shadow" all 10.0.0.0/8 scram-sha-256',
  ]);
  expect(linesOf({ logins }, 'pooled')).toEqual([
    'hostssl "t1" "t1" 192.0.2.0/24 scram-sha-256',
    'hostssl "t2" "t2" 192.0.2.0/24 scram-sha-256',
    'host all "t1","t2" 0.0.0.0/0 reject',
    'host all "t1","t2" ::/0 reject',
    'host "t1","t2" all 0.0.0.0/0 reject',
    'host "t1","t2" all ::/0 reject',
  ]);
});

test('admits Rowhouse and the pooler first, to what is guarded only', () => {
  const plan = { homes: [homeOf('a')], directPeers: [Cidr.parse('192.0.2.5')] };

  expect(linesOf(plan)[0]).toBe('host "a","a_shadow" all 192.0.2.5/32 scram-sha-256');
  expect(linesOf({ ...plan, homes: [] })).toEqual([]);
});

test('refuses a name that could be read as something else', () => {
  for (const name of ['a" all', '/regex', '+group', '@file', 'a\nb']) {
    expect(() => linesOf({ homes: [{ ...homeOf('a', '10.0.0.0/8'), databases: [name] }] }), name).toThrow(
      'HBA',
    );
  }
});

describe('the text of both files and the judgement', () => {
  const random = randomNumbers(20_260_101);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const some = <T>(items: readonly T[]): T[] => items.filter(() => random() < 0.4);
  const networks = [
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.2.3',
    '127.0.0.1',
    '127.0.0.0/8',
    '::1',
    '2001:db8::/32',
  ];
  const addresses = [
    '10.1.2.3',
    '10.1.9.9',
    '10.9.9.9',
    '127.0.0.1',
    '127.0.0.2',
    '::1',
    '2001:db8::7',
    '2001:db9::7',
    '192.0.2.1',
  ];

  function anyPlan(): AccessPlan {
    const homes = some(['h1', 'h2', 'h3']).map((name) => ({
      ...homeOf(name, ...some(networks)),
      aliases: [name, `${name}_shadow`, ...some([`${name}_t1`, `${name}_t2`])],
      roles: [`${name}_owner`, ...some([`${name}_t1`, `${name}_t2`])],
    }));
    const taken = new Set(homes.flatMap(({ aliases, roles }) => [...aliases, ...roles]));
    const tenants = ['h1_t1', 'h1_t2', 'h2_t1', 'h3_t2'].filter((name) => !taken.has(name));
    return {
      homes,
      logins: [
        ...some(tenants).map((name) => ({
          databases: [name.slice(0, 2)],
          aliases: [name],
          ownAliases: [name],
          roles: [name, `${name}_second`],
          rules: rulesOf(...some(networks)),
        })),
        ...some(['h1', 'h2']).map((name) => ({
          databases: [name],
          aliases: [name],
          ownAliases: [],
          roles: [`${name}_reader`],
          rules: rulesOf(...some(networks)),
        })),
      ],
      directPeers: some(['10.9.9.9', '::1']).map(Cidr.parse),
      pooledPeers: some(['10.9.9.9', '127.0.0.1']).map(Cidr.parse),
    };
  }

  function textOf(plan: AccessPlan, port: AccessPort): string {
    if (port === 'direct')
      return `${renderPgHba(plan, 'refuses')}host all all 0.0.0.0/0 scram-sha-256\nhost all all ::/0 scram-sha-256\n`;
    const users = {
      adminUser: 'admin',
      authUser: 'auth',
      controlUser: 'control',
      controlDatabase: 'control_db',
    };
    return renderHba({ ...users, ownAccess: 'none', guards: guardLines(plan, 'pooled'), probe: 'refuses' });
  }

  test.each(['direct', 'pooled'] as const)('agree on the %s port', (port) => {
    for (let round = 0; round < 60; round++) {
      const plan = anyPlan();
      const text = textOf(plan, port);
      const lines = parse(text);
      const judge = accessJudge(plan, port);
      for (let attempt = 0; attempt < 60; attempt++) {
        const database = pick(['h1', 'h2', 'h3', 'h1_shadow', 'h1_t1', 'h1_t2', 'h2_t1', 'h3_t2', 'other']);
        const role = pick([
          'h1_owner',
          'h2_owner',
          'h1_t1',
          'h1_t2',
          'h2_t1',
          'h1_t1_second',
          'h1_reader',
          'h2_reader',
          'stranger',
        ]);
        const asked = { database, role, address: pick(addresses) };
        expect(judge(asked).allowed, `${JSON.stringify(asked)}\n${text}`).toBe(decide(lines, asked));
      }
    }
  });

  interface Line {
    readonly type: string;
    readonly databases: string[];
    readonly users: string[];
    readonly network: string;
    readonly method: string;
  }

  function parse(text: string): Line[] {
    const names = (list = '') => list.split(',').map((name) => name.replaceAll('"', ''));
    return text
      .split('\n')
      .filter((line) => /^host/.test(line))
      .map((line) => line.split(' '))
      .map(([type = '', databases, users, network = '', method = '']) => {
        return { type, databases: names(databases), users: names(users), network, method };
      });
  }

  /** As the servers do it, for a client that offers TLS: the first line that matches. */
  function decide(lines: Line[], asked: { database: string; role: string; address: string }): boolean {
    const isIn = (names: string[], name: string) => names.includes('all') || names.includes(name);
    const line = lines.find(({ databases, users, network }) => {
      return (
        isIn(databases, asked.database) &&
        isIn(users, asked.role) &&
        Cidr.parse(network).contains(asked.address)
      );
    });
    return line?.method === 'scram-sha-256';
  }
});

/** The same numbers at each run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
