import { expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api } = world;
const database = await createDatabase(world);

const DEPTH = 500_000;
const NESTED = `{"friendlyName": ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`;

test('eight clients with nested bodies and no key disturb no reader, and are limited', async () => {
  let isOver = false;
  const statuses = new Set<number>();
  const flooding = Array.from({ length: 8 }, async () => {
    while (!isOver && !statuses.has(429))
      statuses.add((await api.post('/api/databases', undefined, { rawBody: NESTED, key: null })).status);
  });

  for (let read = 0; read < 30; read += 1) (await api.get(`/api/databases/${database.id}`)).expect(200);
  await Promise.race(flooding);
  isOver = true;
  await Promise.all(flooding);

  expect([...statuses].sort()).toEqual([401, 429]);
  (await api.get(`/api/databases/${database.id}`)).expect(200);
});
