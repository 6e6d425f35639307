import { expect, test } from 'vitest';
import { type PostgresSettings, renderPgHba, renderPostgresConf } from './postgres-config.js';

const settings: PostgresSettings = {
  port: 5432,
  listenAddresses: ['127.0.0.1', '::1'],
  socketDirectory: '/run',
  tls: { ca: '/tls/ca.crt', certificate: "/tls/o'server.crt", key: '/tls/server.key' },
  memoryBytes: 2 ** 32,
  durable: true,
  platform: 'linux',
};

test('quotes values', () => {
  expect(renderPostgresConf(settings)).toContain("ssl_cert_file = '/tls/o''server.crt'\n");
});

test('never logs a statement, which may hold a password', () => {
  const text = renderPostgresConf(settings);

  expect(text).toContain("log_statement = 'none'");
  expect(text).toContain("log_min_error_statement = 'panic'");
});

test('gives up crash safety only when it is told to', () => {
  expect(renderPostgresConf(settings)).not.toContain('fsync');
  expect(renderPostgresConf({ ...settings, durable: false })).toContain("fsync = 'off'");
});

test('recovers by syncfs on Linux only', () => {
  expect(renderPostgresConf(settings)).toContain('syncfs');
  expect(renderPostgresConf({ ...settings, platform: 'darwin' })).not.toContain('syncfs');
});

test('asks for TLS and a password from elsewhere, and keeps powerful roles out there', () => {
  const lines = renderPgHba(['postgres', 'rowhouse'])
    .split('\n')
    .map((line) => line.split(/\s+/).join(' '));

  expect(lines).toContain('hostssl all all 0.0.0.0/0 scram-sha-256');
  expect(lines.indexOf('host all "postgres","rowhouse" 0.0.0.0/0 reject')).toBeLessThan(
    lines.indexOf('hostssl all all 0.0.0.0/0 scram-sha-256'),
  );
  expect(lines.join('\n')).not.toMatch(/trust|md5|host all all (0\.0\.0\.0|::)\/0/);
});
