import { rmSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createDatabase, deleteDatabase } from '../support/databases.js';
import { untilNothingIsLeft } from '../support/leftovers.js';
import { loginError, query } from '../support/sql.js';
import { createTestDirectory } from '../support/stack.js';
import { openWorld } from '../support/world.js';
import { installPostgres } from './postgres-binaries.js';

const VERSIONS = ['16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17'];

const directory = createTestDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each(VERSIONS)('creates, uses and drops a database on PostgreSQL %s', async (version) => {
  const world = await openWorld({ postgresBinDir: await installPostgres(version, directory) });
  onTestFinished(() => world.stop());

  const [server] = await world.server.query<{ major: number }>(
    "SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS major",
  );
  expect(server?.major).toBe(Number.parseInt(version, 10));

  const database = await createDatabase(world);
  await query(database.connection_string, 'CREATE TABLE notes (body text)');
  await query(database.connection_string_pooled, "INSERT INTO notes VALUES ('kept')");
  expect(await query(database.connection_string_pooled, 'SELECT body FROM notes')).toEqual([
    { body: 'kept' },
  ]);

  await deleteDatabase(world, database);
  expect(await loginError(database.connection_string)).not.toBeNull();
  expect(await loginError(database.connection_string_pooled)).not.toBeNull();
  await untilNothingIsLeft(world);
});
