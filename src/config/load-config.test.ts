import { expect, test } from 'vitest';
import { loadConfig } from './load-config.js';

test.each<[string | undefined, unknown]>([
  [undefined, false],
  ['false', false],
  ['true', 1],
  ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1/128']],
])('TRUST_PROXY %s believes %j', (value, expected) => {
  expect(loadConfig({ TRUST_PROXY: value }).http.trustProxy).toEqual(expected);
});

test('there is no CORS unless origins are named', () => {
  expect(loadConfig({}).http.corsOrigins).toEqual([]);
  expect(loadConfig({ CORS_ORIGINS: 'https://a.example, http://localhost:5173' }).http.corsOrigins).toEqual([
    'https://a.example',
    'http://localhost:5173',
  ]);
});

test.each([
  ['CORS_ORIGINS', '*'],
  ['CORS_ORIGINS', 'https://*.example.com'],
  ['CORS_ORIGINS', 'https://a.example, https://b.example/path'],
  ['CORS_ORIGINS', 'https://a.example/'],
  ['CORS_ORIGINS', 'a.example'],
  ['CORS_ORIGINS', 'null'],
  ['TRUST_PROXY', 'yes'],
  ['TRUST_PROXY', '10.0.0.1/8'],
  ['TRUST_PROXY', ','],
  ['AUTH_FAILURE_LIMIT', '-1'],
  ['AUTH_BAN_SECONDS', '0'],
  ['HEADERS_TIMEOUT_SECONDS', '0'],
])('%s=%s stops the start', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name);
});

test('the headers never have longer than the whole request', () => {
  const { http } = loadConfig({ REQUEST_TIMEOUT_SECONDS: '5' });

  expect(http).toMatchObject({ headersTimeoutMs: 5_000, requestTimeoutMs: 5_000 });
});
