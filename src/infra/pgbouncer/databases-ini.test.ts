import { expect, test } from 'vitest';
import { renderDatabasesIni } from './databases-ini.js';

const alias = {
  name: 'tenant_b',
  host: '127.0.0.1',
  port: 5432,
  database: 'tenant_b',
  poolSize: 16,
  authUser: 'auth',
};

test('renders one line for each alias, in the order of their names', () => {
  const text = renderDatabasesIni([alias, { ...alias, name: 'tenant_a', database: 'host_db', poolSize: 1 }]);

  expect(text.split('\n').slice(1)).toEqual([
    'tenant_a = host=127.0.0.1 port=5432 dbname=host_db pool_size=1 auth_user=auth',
    'tenant_b = host=127.0.0.1 port=5432 dbname=tenant_b pool_size=16 auth_user=auth',
    '',
  ]);
});

test('limits the server connections of all users together where it is asked to', () => {
  expect(renderDatabasesIni([{ ...alias, maxConnections: 1 }])).toContain(
    'pool_size=16 max_db_connections=1 ',
  );
});

test('gives the same text whatever the order it is asked in', () => {
  const other = { ...alias, name: 'tenant_a' };

  expect(renderDatabasesIni([alias, other])).toBe(renderDatabasesIni([other, alias]));
});

test('quotes values that are not plain', () => {
  expect(renderDatabasesIni([{ ...alias, database: "it's a db" }])).toContain("dbname='it''s a db'");
});

test('refuses a line break and an empty pool', () => {
  expect(() => renderDatabasesIni([{ ...alias, host: 'a\nb' }])).toThrow('line breaks');
  expect(() => renderDatabasesIni([{ ...alias, poolSize: 0 }])).toThrow('at least one');
});
