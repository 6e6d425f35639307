import { expect, test } from 'vitest';
import { loadConfig } from '../config/load-config.js';
import { renderWelcome } from './welcome.js';

const config = loadConfig({ DB_PORT: '5433', DB_PGBOUNCER_PORT: '6433' });
const url = 'http://127.0.0.1:3000';

test('shows the key that was just made once, for the curl', () => {
  const text = renderWelcome({ url, adminKey: { key: 'rh_a_b' }, config, dataDir: '/data' });

  expect(text.match(/rh_a_b/g)).toHaveLength(1);
  expect(text).toContain('export ROWHOUSE_KEY=rh_a_b\ncurl');
  expect(text).toContain(`curl -s -X POST ${url}/api/databases`);
  expect(text).toContain(`${url}/docs`);
  expect(text).toContain('/data');
});

test('tells the true ports', () => {
  expect(renderWelcome({ url, adminKey: null, config, dataDir: null })).toContain(
    '127.0.0.1:5433, pooled 127.0.0.1:6433',
  );
});

test('later it says how to make another key, or where the key comes from', () => {
  const withKey = loadConfig({ API_KEY: 'k'.repeat(24) });

  expect(renderWelcome({ url, adminKey: null, config, dataDir: null })).toContain('rowhouse keys create');
  expect(renderWelcome({ url, adminKey: null, config: withKey, dataDir: null })).toContain(
    'the one in API_KEY',
  );
  expect(renderWelcome({ url, adminKey: null, config: withKey, dataDir: null })).not.toContain('kkk');
});

test('without a terminal it names the file that has the key, or how to get another one', () => {
  const file = renderWelcome({ url, adminKey: { file: '/data/admin-key' }, config, dataDir: '/data' });
  const none = renderWelcome({
    url,
    adminKey: { directory: '/data', problem: 'EACCES' },
    config,
    dataDir: null,
  });

  expect(file).toContain('Admin key   in /data/admin-key');
  expect(file).toContain(`export ROWHOUSE_KEY="$(cat '/data/admin-key')"\ncurl`);
  expect(none).toMatch(/\/data cannot be written \(EACCES\)[\s\S]*rowhouse keys create/);
});
