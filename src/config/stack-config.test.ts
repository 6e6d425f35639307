import { expect, test } from 'vitest';
import { loadConfigOver, loadStackConfig } from './stack-config.js';

test('tells chosen ports from default ones', () => {
  const stack = loadStackConfig({ DB_PORT: '5555', ROWHOUSE_DATA_DIR: '/data' });

  expect(stack).toMatchObject({ dataDir: '/data', chosenPorts: { DB_PORT: 5555 }, withRedis: true });
  expect(stack?.chosenPorts).not.toHaveProperty('PORT');
});

test('there is no stack with DB_HOST, and no Redis of its own with REDIS_URL', () => {
  expect(loadStackConfig({ DB_HOST: 'db.example.com' })).toBeNull();
  expect(loadStackConfig({ REDIS_URL: 'redis://cache' })?.withRedis).toBe(false);
});

test('names every wrong variable, not its value', () => {
  const load = () => loadStackConfig({ DB_PORT: 'many', PUBLIC_HOST: 'http://secret' });

  expect(load).toThrow(/PUBLIC_HOST must be.*DB_PORT must/);
  expect(load).not.toThrow(/many|secret/);
});

test('names the wrong variables of servers, API and certificates at once', () => {
  const load = () =>
    loadStackConfig({ RATE_LIMIT_PER_MINUTE: '-1', ENCRYPTION_KEY: 'short', TLS_MODE: 'acem' });

  expect(load).toThrow(/TLS_MODE must.*ENCRYPTION_KEY must.*RATE_LIMIT_PER_MINUTE must/);
  expect(load).not.toThrow(/acem|short/);
});

test('the stack decides about its servers, the environment about key and cache', () => {
  const stack = { DB_HOST: '127.0.0.1', DB_PASSWORD: 'stack', REDIS_URL: 'redis://stack' };

  const config = loadConfigOver(stack, { DB_PASSWORD: 'user', REDIS_URL: 'redis://user' });

  expect(config.control.password).toBe('stack');
  expect(config.redisUrl).toBe('redis://user');
});

test('what the key of the stack sealed opens still when the environment brings one', () => {
  const [own, mine, older] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

  const config = loadConfigOver(
    { ENCRYPTION_KEY: own, ENCRYPTION_KEY_PREVIOUS: older },
    { ENCRYPTION_KEY: mine },
  );

  expect(config.encryptionKey?.toString('hex')).toBe(mine);
  expect(config.formerEncryptionKeys.map((key) => key.toString('hex'))).toEqual([own, older]);
});
