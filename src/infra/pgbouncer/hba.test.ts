import { expect, test } from 'vitest';
import { type HbaRules, renderHba } from './hba.js';

const rules: HbaRules = {
  adminUser: 'admin',
  authUser: 'auth',
  controlUser: 'control',
  controlDatabase: 'control_db',
  ownAccess: 'none',
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
