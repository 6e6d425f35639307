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

const [KEY, FORMER, OLDER] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

test.each([
  [{ ENCRYPTION_KEY: KEY, ENCRYPTION_KEY_PREVIOUS: 'short' }, /ENCRYPTION_KEY_PREVIOUS must be former keys/],
  [{ ENCRYPTION_KEY: KEY, ENCRYPTION_KEY_PREVIOUS: `${FORMER};${OLDER}` }, /ENCRYPTION_KEY_PREVIOUS must be/],
  [{ ENCRYPTION_KEY_PREVIOUS: FORMER }, /ENCRYPTION_KEY must be 32 bytes/],
])('wrong encryption keys (%#) stop the start, which names the variable and no key', (env, message) => {
  expect(() => loadConfig(env)).toThrow(message);
  expect(() => loadConfig(env)).not.toThrow(new RegExp(`${KEY}|${FORMER}`));
});

test('takes former encryption keys in either form', () => {
  const base64 = Buffer.alloc(32, 1).toString('base64');
  const env = { ENCRYPTION_KEY: KEY, ENCRYPTION_KEY_PREVIOUS: `${FORMER}, ${base64}` };

  expect(loadConfig(env).formerEncryptionKeys).toEqual([Buffer.from(FORMER, 'hex'), Buffer.alloc(32, 1)]);
});
