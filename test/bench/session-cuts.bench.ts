import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { type TestContext, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { type Approach, connectFrom, whenEnded } from '../support/login-from.js';
import { until } from '../support/until.js';
import { setRules, whitelistOf } from '../support/whitelists.js';
import { startWorld } from '../support/world.js';
import { assertRatio, median, stopwatch } from './ratio.js';

const ROUNDS = 9;
const LEAVING: Approach = { from: '127.0.0.2', tls: true };
/** A cut that was due is at most a second late, as a timer of this machine counts it in the same round. */
const SECOND_MS = 1_000;
const AHEAD_MS = 1_000;

const world = await startWorld({ app: 'child' });
const { api } = world;

test('sessions of a removed address end on both ports, against a second', (context) =>
  compare(context, async (database) => {
    const ended = await openGuarded(database);
    return stopwatch(async () => {
      (await api.patch(whitelistOf(database), { remove: ['127.0.0.2'] })).expect(200);
      await ended();
    });
  }));

test('sessions of a suspended database end on both ports, against a second', (context) =>
  compare(context, async (database) => {
    const ended = await openGuarded(database);
    const elapsed = await stopwatch(async () => {
      (await api.post(`/api/databases/${database.id}/suspend`)).expect(200);
      await ended();
    });
    (await api.post(`/api/databases/${database.id}/resume`)).expect(200);
    return elapsed;
  }));

test('sessions of an address that expires end on both ports, against a second', (context) =>
  compare(context, async (database) => {
    const expiresAt = new Date(Date.now() + AHEAD_MS);
    const ended = await openGuarded(database, { expiresAt: expiresAt.toISOString() });
    await ended();
    return Date.now() - expiresAt.getTime();
  }));

test('an old login ends when its grace does, against two seconds', (context) =>
  compare(
    context,
    async (database) => {
      const path = `/api/databases/${database.id}`;
      const strings = await api.get<NewDatabase>(`${path}/connection-strings?reveal=true`);
      const sessions = await openBoth(strings.expect(200).data);
      const ended = Promise.all(sessions.map(whenEnded));
      const rotated = await api.post<{ previous: { ends_at: string } }>(`${path}/rotate-credentials`, {
        graceSeconds: 1,
      });
      const { ends_at } = rotated.expect(200).data.previous;
      await ended;
      const late = Date.now() - Date.parse(ends_at);
      await until('the overlap is over', async () => {
        const { data } = await api.get<{ previous: object | null }>(`${path}/credentials`);
        return data.previous === null;
      });
      return late;
    },
    2 * SECOND_MS,
  ));

/** Milliseconds until a cut, and what a timer of the given time takes beside it, in turns. */
async function compare(
  context: TestContext,
  timeCut: (database: NewDatabase) => Promise<number>,
  limitMs = SECOND_MS,
): Promise<void> {
  const database = await createDatabase(world);
  await setRules(world, whitelistOf(database), ['127.0.0.1', '127.0.0.2']);
  const measured: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    measured.push(await timeCut(database));
    reference.push(await stopwatch(() => pause(limitMs)));
  }
  assertRatio(context, {
    measured: median(measured),
    reference: median(reference),
    unit: 'ms',
    limit: { kind: 'at most', value: 1 },
  });
}

/** Sessions through both ports from an address that has a rule; resolves what waits for their end. */
async function openGuarded(database: NewDatabase, fields: object = {}): Promise<() => Promise<unknown>> {
  await setRules(world, whitelistOf(database), ['127.0.0.1', { ipAddress: '127.0.0.2', ...fields }]);
  const ended = Promise.all((await openBoth(database)).map(whenEnded));
  return () => ended;
}

function openBoth(
  strings: Pick<NewDatabase, 'connection_string' | 'connection_string_pooled'>,
): Promise<Client[]> {
  return Promise.all([
    connectFrom(strings.connection_string, LEAVING),
    connectFrom(strings.connection_string_pooled, LEAVING),
  ]);
}
