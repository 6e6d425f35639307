import { expect, test } from 'vitest';
import { isAtLeast, type PoolerSettings, renderPgBouncerIni, renderUserList } from './pgbouncer-config.js';

const settings: PoolerSettings = {
  version: '1.18.0',
  port: 6432,
  listenAddresses: ['127.0.0.1', '::1'],
  socketDirectory: '/data/run',
  postgresPort: 5433,
  directory: '/data/pgbouncer',
  tls: { ca: '/tls/ca.crt', certificate: '/tls/server.crt', key: '/tls/server.key' },
  controlDatabase: 'postgres_control',
  controlPoolSize: 30,
  adminUser: 'rowhouse_pooler_admin',
  authUser: 'rowhouse_pooler_auth',
  fileLimit: 65_536,
};

test('has the control database itself and includes what Rowhouse generates', () => {
  const lines = renderPgBouncerIni(settings).split('\n');

  expect(lines).toContain('postgres_control = host=/data/run port=5433 dbname=postgres_control pool_size=30');
  expect(lines.indexOf('%include /data/pgbouncer/databases.ini')).toBeLessThan(lines.indexOf('[pgbouncer]'));
  expect(lines).toContain('auth_hba_file = /data/pgbouncer/hba.conf');
  expect(lines).toContain('listen_addr = 127.0.0.1,::1');
});

test('uses what a newer PgBouncer has, and names nothing that an older one would refuse', () => {
  const render = (version: string) => renderPgBouncerIni({ ...settings, version });

  expect(render('1.18.0')).not.toMatch(/auth_dbname|rowhouse_lookup|max_prepared_statements/);
  expect(render('1.19.1')).toContain('auth_dbname = rowhouse_lookup');
  expect(render('1.19.1')).toContain('rowhouse_lookup = host=/data/run port=5433 dbname=postgres\n');
  expect(render('1.19.1')).not.toContain('max_prepared_statements');
  expect(render('1.24.1')).toContain('max_prepared_statements = 200');
});

test('keeps few connections for lookups, however many databases there are', () => {
  expect(renderPgBouncerIni(settings)).toContain('[users]\nrowhouse_pooler_auth = max_user_connections=30\n');
});

test('takes no more clients than it may open files for', () => {
  const maxClients = (fileLimit: number) =>
    /^max_client_conn = (\d+)$/m.exec(renderPgBouncerIni({ ...settings, fileLimit }))?.[1];

  expect(maxClients(65_536)).toBe('10000');
  expect(maxClients(1024)).toBe('574');
});

test('compares versions by number', () => {
  expect(isAtLeast('1.9.0', '1.19')).toBe(false);
  expect(isAtLeast('1.19', '1.19')).toBe(true);
  expect(isAtLeast('2.0.0', '1.21')).toBe(true);
});

test('quotes users and passwords', () => {
  expect(renderUserList({ app: 'a"b' })).toBe('"app" "a""b"\n');
});
