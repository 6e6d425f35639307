import { expect, test } from 'vitest';
import type { Operation } from '../../src/operations/operation.types.js';
import { until } from '../support/until.js';
import { type Engine, Gate, handlerOf, specOf, startBench } from './operations-engine.js';

const bench = await startBench();

function untilState(engine: Engine, { id }: Operation, state: Operation['state']): Promise<Operation> {
  return until(`the operation is ${state}`, async () => {
    const operation = await engine.operations.get(id);
    return operation.state === state ? operation : null;
  });
}

test('records the end when the control database is back, within the same attempt', async () => {
  const { pgbouncer } = bench.stack;
  const engine = await bench.start([handlerOf({ cut: async () => void (await pgbouncer.kill()) })]);

  const running = engine.run(specOf());
  await until('the pooler is gone', () => pgbouncer.pid === null || pgbouncer.pid === undefined);
  await pgbouncer.start();

  expect(await running).toMatchObject({ state: 'succeeded', attempts: 1 });
});

test('leaves it to the lease when the control database stays away, and goes on when it is back', async () => {
  const { pgbouncer } = bench.stack;
  let runs = 0;
  const signals: AbortSignal[] = [];
  const engine = await bench.start(
    [
      handlerOf({
        cut: async ({ signal }) => {
          runs += 1;
          signals.push(signal);
          if (runs === 1) await pgbouncer.kill();
        },
      }),
    ],
    { role: 'all', leaseSeconds: 1 },
  );

  const running = engine.run(specOf());
  await until('the lease is lost', () => signals[0]?.aborted);
  await pgbouncer.start();

  expect(await running).toMatchObject({ state: 'succeeded', attempts: 2 });
  expect(runs).toBe(2);
});

test('a worker looks again when the control database is back', async () => {
  const { pgbouncer } = bench.stack;
  const engine = await bench.start([handlerOf({ only: () => undefined })], { role: 'worker' });
  await pgbouncer.kill();
  await expect(engine.operations.find('00000000-0000-4000-8000-000000000000')).rejects.toThrow();

  await pgbouncer.start();

  expect(await engine.operations.run(await engine.enqueue(specOf()), 15_000)).toMatchObject({
    state: 'succeeded',
  });
});

test('at shutdown what is nearly done ends, and the caller gets the end', async () => {
  const gate = new Gate();
  const engine = await bench.start([handlerOf({ first: () => gate.opened, second: () => undefined })]);
  const started = until('the step runs', async () => (await engine.operations.list({ limit: 1 })).items[0]);

  const running = engine.run(specOf());
  await started;
  const closing = engine.close();
  gate.release();

  expect(await running).toMatchObject({ state: 'succeeded' });
  await closing;
});

test('at shutdown what takes too long is handed to another process at once', async () => {
  const gate = new Gate();
  const leaving = await bench.start([handlerOf({ endless: () => gate.opened })], { leaseSeconds: 300 });
  const staying = await bench.start([handlerOf({ endless: () => undefined })], { role: 'worker' });
  const operation = await leaving.run(specOf(), 0);

  await leaving.close();

  expect(await untilState(staying, operation, 'succeeded')).toMatchObject({ attempts: 1 });
});
