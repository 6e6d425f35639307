import { expect, test } from 'vitest';
import type { PortState } from '../infra/process/ports.js';
import { choosePorts } from './stack-ports.js';

const probeWith =
  (taken: readonly number[], forbidden: readonly number[] = []) =>
  async (port: number): Promise<PortState> => {
    if (taken.includes(port)) return 'taken';
    return forbidden.includes(port) ? 'forbidden' : 'free';
  };

test('takes the default ports when they are free', async () => {
  const { ports, notes } = await choosePorts({ chosen: {}, remembered: {}, probe: probeWith([]) });

  expect(ports).toEqual({ PORT: 3000, DB_PORT: 5432, DB_PGBOUNCER_PORT: 6432, REDIS_PORT: 6379 });
  expect(notes).toEqual([]);
});

test('takes the next free port where a default one is taken, and says so', async () => {
  const { ports, notes } = await choosePorts({ chosen: {}, remembered: {}, probe: probeWith([5432, 5433]) });

  expect(ports.DB_PORT).toBe(5434);
  expect(notes).toEqual(['Port 5432 is taken: PostgreSQL takes 5434']);
});

test('prefers the port of the last start to the default one', async () => {
  const { ports, notes } = await choosePorts({
    chosen: {},
    remembered: { DB_PORT: 5434, PORT: 0 },
    probe: probeWith([]),
  });

  expect(ports).toMatchObject({ DB_PORT: 5434, PORT: 3000 });
  expect(notes).toEqual([]);
});

test('never gives one port to two servers', async () => {
  const { ports } = await choosePorts({
    chosen: { DB_PGBOUNCER_PORT: 5432 },
    remembered: { REDIS_PORT: 5433 },
    probe: probeWith([]),
  });

  expect(new Set(Object.values(ports)).size).toBe(4);
  expect(ports.DB_PGBOUNCER_PORT).toBe(5432);
});

test('refuses a chosen port that is taken, not for this user, or chosen twice', async () => {
  const choose = (chosen: object, probe = probeWith([6000], [80])) =>
    choosePorts({ chosen, remembered: {}, probe });

  await expect(choose({ DB_PORT: 6000 })).rejects.toThrow(
    'DB_PORT: port 6000 is taken: free it, or choose another DB_PORT',
  );
  await expect(choose({ PORT: 80 })).rejects.toThrow('PORT: port 80 is not for this user');
  await expect(choose({ PORT: 7000, DB_PORT: 7000 })).rejects.toThrow('PORT and DB_PORT are both 7000');
});
