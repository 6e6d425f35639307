import { expect, test } from 'vitest';
import { createDatabase, deleteDatabase } from '../support/databases.js';
import { untilNothingIsLeft } from '../support/leftovers.js';
import { mapParallel } from '../support/parallel.js';
import { canLogin } from '../support/sql.js';
import { startWorld } from '../support/world.js';

const COUNT = 200;
const AT_A_TIME = 16;

const world = await startWorld();

test('makes 200 databases at 16 at a time, deletes them all, and leaves nothing behind', async () => {
  const created = await mapParallel(Array.from({ length: COUNT }), AT_A_TIME, () => createDatabase(world));

  const names = new Set(created.map((database) => database.database_name));
  const last = created.at(-1);
  expect(names.size).toBe(COUNT);
  expect(last && (await canLogin(last.connection_string))).toBe(true);
  expect(last && (await canLogin(last.connection_string_pooled))).toBe(true);

  await mapParallel(created, AT_A_TIME, (database) => deleteDatabase(world, database));

  await untilNothingIsLeft(world);
}, 300_000);
