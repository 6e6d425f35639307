import { expect, test } from 'vitest';
import { loadConfig } from './load-config.js';
import { loadStackConfig } from './stack-config.js';

const acme = { TLS_MODE: 'acme', PUBLIC_HOST: 'DB.example.com', ACME_EMAIL: 'ops@example.com' };

test('a CA of its own when nothing is said', () => {
  expect(loadStackConfig({})?.tls).toEqual({ mode: 'local' });
});

test('files', () => {
  const env = { TLS_MODE: 'files', TLS_CERT_FILE: '/tls/a.crt', TLS_KEY_FILE: '/tls/a.key' };

  expect(loadStackConfig(env)?.tls).toEqual({
    mode: 'files',
    certificateFile: '/tls/a.crt',
    keyFile: '/tls/a.key',
    caFile: null,
  });
});

test("Let's Encrypt on port 80, unless something else is said", () => {
  expect(loadStackConfig(acme)?.tls).toMatchObject({
    mode: 'acme',
    name: 'db.example.com',
    directoryUrl: 'https://acme-v02.api.letsencrypt.org/directory',
    httpPort: 80,
    webroot: null,
  });
});

test.each([
  [{ TLS_MODE: 'some' }, /TLS_MODE must be one of/],
  [{ TLS_MODE: 'files' }, /TLS_CERT_FILE must name .*TLS_KEY_FILE must name/],
  [{ ...acme, PUBLIC_HOST: '203.0.113.7' }, /PUBLIC_HOST must be a DNS name/],
  [{ ...acme, PUBLIC_HOST: '' }, /PUBLIC_HOST must be a DNS name/],
  [{ ...acme, ACME_EMAIL: 'ops' }, /ACME_EMAIL must be an email address/],
  [{ ...acme, ACME_DIRECTORY_URL: 'http://acme.example.com' }, /ACME_DIRECTORY_URL must be a URL/],
  [{ ...acme, ACME_HTTP_PORT: '0' }, /ACME_HTTP_PORT must not be less than 1/],
  [{ ...acme, DB_HOST: 'db.example.com' }, /TLS_MODE must not be acme with DB_HOST/],
])('names what is wrong in %j', (env, message) => {
  expect(() => loadStackConfig(env)).toThrow(message);
});

test('the API needs to know its certificate where no stack has one', () => {
  const env = { API_TLS: 'true', DB_HOST: 'db.example.com' };

  expect(() => loadConfig(env)).toThrow(/TLS_CERT_FILE must name .*TLS_KEY_FILE must name/);
  expect(loadConfig({ ...env, TLS_CERT_FILE: '/a', TLS_KEY_FILE: '/b' }).http.tls).toEqual({
    certificateFile: '/a',
    keyFile: '/b',
  });
  expect(loadConfig({ API_TLS: 'true' }).http.tls).toBeNull();
  expect(() => loadConfig({ API_TLS: 'yes' })).toThrow(/API_TLS must be a boolean/);
});
