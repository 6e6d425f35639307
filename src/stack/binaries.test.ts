import { expect, test } from 'vitest';
import { findPostgres, parseVersion, selectPostgres } from './binaries.js';

const installed = [15, 17, 16].map((major) => ({ major, directory: `/usr/lib/postgresql/${major}/bin` }));

test('reads the versions that the servers tell', () => {
  expect(parseVersion('PgBouncer 1.18.0\nlibevent 2.1.12-stable')).toBe('1.18.0');
  expect(parseVersion('postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)')).toBe('15.13');
  expect(parseVersion('postgres (PostgreSQL) 18beta1')).toBe('18');
});

test('takes the newest PostgreSQL for a new cluster, and for a cluster the one that made it', () => {
  expect(selectPostgres(installed, null)?.major).toBe(17);
  expect(selectPostgres(installed, 15)?.major).toBe(15);
  expect(selectPostgres(installed, 18)).toBeNull();
});

test('a cluster of PostgreSQL 14 is refused, whatever is installed', async () => {
  await expect(findPostgres(null, 14)).rejects.toThrow(
    'The data directory was made by PostgreSQL 14; Rowhouse works with 15 to 19: upgrade the cluster with pg_upgrade',
  );
});

test('a wrong POSTGRES_BIN_DIR is named', async () => {
  await expect(findPostgres('/nowhere', null)).rejects.toThrow(
    'POSTGRES_BIN_DIR: /nowhere has no working initdb and postgres',
  );
});
