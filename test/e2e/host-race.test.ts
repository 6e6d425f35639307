import { expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api } = world;

test('eight requests at once make a database a tenant host once', async () => {
  const { id } = await createDatabase(world);

  const answers = await Promise.all(Array.from({ length: 8 }, () => api.post(`/api/databases/${id}/host`)));

  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
});
