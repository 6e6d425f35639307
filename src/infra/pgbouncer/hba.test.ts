import { expect, test } from 'vitest';
import { probeAnswerIn } from '../hba/probe.js';
import { type HbaRules, renderFirstHba, renderHba } from './hba.js';

const rules: HbaRules = {
  adminUser: 'admin',
  authUser: 'auth',
  controlUser: 'control',
  controlDatabase: 'control_db',
  ownAccess: 'none',
  guards: '',
  probe: 'refuses',
};

function linesOf(overrides: Partial<HbaRules> = {}): string[] {
  return renderHba({ ...rules, ...overrides })
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
}

test('opens the console to its administrator over loopback and Unix sockets, then closes it', () => {
  expect(linesOf().slice(0, 6)).toEqual([
    'local "pgbouncer" "admin" scram-sha-256',
    'host "pgbouncer" "admin" 127.0.0.1/32 scram-sha-256',
    'host "pgbouncer" "admin" ::1/128 scram-sha-256',
    'local "pgbouncer" all reject',
    'host "pgbouncer" all 0.0.0.0/0 reject',
    'host "pgbouncer" all ::/0 reject',
  ]);
});

test('opens the console and the control database over TLS when the pooler stands elsewhere', () => {
  const lines = linesOf({ ownAccess: 'tls' });

  expect(lines).toContain('hostssl "pgbouncer" "admin" 0.0.0.0/0 scram-sha-256');
  expect(lines).toContain('hostssl "control_db" "control" ::/0 scram-sha-256');
});

test("keeps Rowhouse's own users out of every other database", () => {
  const lines = linesOf();
  const tenants = lines.indexOf('local all all scram-sha-256');

  for (const user of ['admin', 'auth', 'control']) {
    const refusal = lines.indexOf(`host all "${user}" 0.0.0.0/0 reject`);
    expect(refusal).toBeGreaterThan(0);
    expect(refusal).toBeLessThan(tenants);
  }
});

test('asks everybody else for TLS unless they come over loopback, and ends with a refusal of both families', () => {
  expect(linesOf().slice(-8)).toEqual([
    'local all all scram-sha-256',
    'host all all 127.0.0.1/32 scram-sha-256',
    'host all all ::1/128 scram-sha-256',
    'hostssl all all 0.0.0.0/0 scram-sha-256',
    'hostssl all all ::/0 scram-sha-256',
    'local all all reject',
    'host all all 0.0.0.0/0 reject',
    'host all all ::/0 reject',
  ]);
});

test('refuses a name that could break out of its quotes', () => {
  expect(() => renderHba({ ...rules, adminUser: 'a" all' })).toThrow('HBA');
});

test('lets only the lookup user ask for the probe, while it admits', () => {
  const probe = (answer: HbaRules['probe']) =>
    linesOf({ probe: answer }).filter((line) => line.includes('"rowhouse_access"'));

  expect(probe('admits')).toEqual([
    'local "rowhouse_access" "auth" scram-sha-256',
    'host "rowhouse_access" "auth" 127.0.0.1/32 scram-sha-256',
    'host "rowhouse_access" "auth" ::1/128 scram-sha-256',
    ...probe('refuses'),
  ]);
  expect(probe('refuses').every((line) => line.endsWith(' reject'))).toBe(true);
  for (const answer of ['admits', 'refuses'] as const) {
    expect(probeAnswerIn(renderHba({ ...rules, probe: answer }))).toBe(answer);
  }
});

test("puts the guards behind what keeps Rowhouse's own users apart, and before what is open to all", () => {
  const lines = linesOf({ guards: 'hostssl "a","b" all 10.0.0.0/8 scram-sha-256\n' });

  const guard = lines.indexOf('hostssl "a","b" all 10.0.0.0/8 scram-sha-256');
  expect(guard).toBeGreaterThan(lines.indexOf('host all "control" ::/0 reject'));
  expect(guard).toBeLessThan(lines.indexOf('local all all scram-sha-256'));
});

test('lets nobody in but the control user and the console admin, from this machine, at first', () => {
  const lines = renderFirstHba({
    controlDatabase: 'postgres_control',
    controlUser: 'rowhouse',
    adminUser: 'admin',
    ownAccess: 'none',
  })
    .trim()
    .split('\n');

  expect(lines).toEqual([
    'local "postgres_control" "rowhouse" scram-sha-256',
    'host "postgres_control" "rowhouse" 127.0.0.1/32 scram-sha-256',
    'host "postgres_control" "rowhouse" ::1/128 scram-sha-256',
    'local "pgbouncer" "admin" scram-sha-256',
    'host "pgbouncer" "admin" 127.0.0.1/32 scram-sha-256',
    'host "pgbouncer" "admin" ::1/128 scram-sha-256',
  ]);
});

test('lets only the probe of logins in under its name, as any client with TLS, and nowhere else', () => {
  const lines = linesOf();

  expect(lines.filter((line) => line.includes(' "rowhouse_probe" "'))).toEqual([
    'local "rowhouse_probe" "rowhouse_probe" scram-sha-256',
    'host "rowhouse_probe" "rowhouse_probe" 127.0.0.1/32 scram-sha-256',
    'host "rowhouse_probe" "rowhouse_probe" ::1/128 scram-sha-256',
    'hostssl "rowhouse_probe" "rowhouse_probe" 0.0.0.0/0 scram-sha-256',
    'hostssl "rowhouse_probe" "rowhouse_probe" ::/0 scram-sha-256',
  ]);
  expect(lines).toContain('host "rowhouse_probe" all 0.0.0.0/0 reject');
  expect(lines).toContain('host all "rowhouse_probe" 0.0.0.0/0 reject');
});
