import { expect, test } from 'vitest';
import { RowhouseError } from '../../src/kernel/errors.js';
import { newId } from '../../src/kernel/ids.js';
import type { Operation } from '../../src/operations/operation.types.js';
import { until } from '../support/until.js';
import { context, type Engine, Gate, handlerOf, specOf, startBench } from './operations-engine.js';

const bench = await startBench();

async function notes(): Promise<string[]> {
  const rows = await bench.control.query<{ note: string }>('SELECT note FROM notes ORDER BY id');
  return rows.map((row) => row.note);
}

function untilState(engine: Engine, { id }: Operation, state: Operation['state']): Promise<Operation> {
  return until(`the operation is ${state}`, async () => {
    const operation = await engine.operations.get(id);
    return operation.state === state ? operation : null;
  });
}

/** As if the process that runs it had died and its lease had run out. */
async function expireLease({ id }: Pick<Operation, 'id'>): Promise<void> {
  await bench.control.query('UPDATE operations SET lease_until = now(), next_run_at = now() WHERE id = $1', [
    id,
  ]);
}

test('runs the steps in order, at once, and ends in one transaction with the handler', async () => {
  const ran: string[] = [];
  const engine = await bench.start([
    handlerOf({
      first: ({ operation }) => void ran.push(`first of ${operation.input['name']}`),
      second: () => void ran.push('second'),
    }),
  ]);

  const operation = await engine.run(specOf({ input: { name: 'x' } }));

  expect(ran).toEqual(['first of x', 'second']);
  expect(operation).toMatchObject({
    state: 'succeeded',
    step: 'second',
    progress: 100,
    attempts: 1,
    result: { made: true },
  });
  expect(await engine.operations.get(operation.id)).toEqual(operation);
  expect(await notes()).toEqual(['succeeded']);
});

test('tells an observer of each step before it is recorded', async () => {
  const seen: string[] = [];
  const recorded = async (event: string, { id }: Operation) => {
    const [row] = await bench.control.query<{ step: string }>('SELECT step FROM operations WHERE id = $1', [
      id,
    ]);
    seen.push(`${event}, recorded ${row?.step}`);
  };
  const engine = await bench.start([handlerOf({ one: () => undefined, two: () => undefined })], {
    observer: {
      stepStarted: (operation, step) => recorded(`${step} started`, operation),
      stepFinished: (operation, step) => recorded(`${step} finished`, operation),
    },
  });

  await engine.run(specOf());

  expect(seen).toEqual([
    'one started, recorded one',
    'one finished, recorded one',
    'two started, recorded two',
    'two finished, recorded two',
  ]);
});

test('stays with what its transaction did: rolled back, there is no operation', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);

  const failing = engine.transaction(async (tx) => {
    await engine.operations.create(tx, context, specOf());
    throw new Error('changed my mind');
  });

  await expect(failing).rejects.toThrow('changed my mind');
  expect(await bench.control.query('SELECT FROM operations')).toEqual([]);
});

test.each([
  ['a session that ended', '57P01', { state: 'succeeded', attempts: 1, error: null }],
  ['a server that is away', 'ECONNREFUSED', { state: 'failed', attempts: 1 }],
])('where %s would be the end, a step is run again only for the former', async (_, code, end) => {
  let runs = 0;
  const step = () => {
    runs += 1;
    if (runs === 1) throw Object.assign(new Error('gone'), { code });
  };
  const engine = await bench.start([handlerOf({ step }, { whenUnavailable: 'fail' })]);

  expect(await engine.run(specOf())).toMatchObject(end);
});

test('answers after the time to wait and goes on in the background', async () => {
  const gate = new Gate();
  const engine = await bench.start([handlerOf({ wait: () => gate.opened, go: () => undefined })]);

  const operation = await engine.run(specOf(), 50);
  expect(operation).toMatchObject({ state: 'running', step: 'wait', progress: 0 });
  gate.release();

  await untilState(engine, operation, 'succeeded');
});

test('answers at once when nobody wants to wait', async () => {
  const gate = new Gate();
  const engine = await bench.start([handlerOf({ wait: () => gate.opened })]);

  const operation = await engine.run(specOf(), 0);
  expect(operation.state).toBe('running');
  gate.release();

  await untilState(engine, operation, 'succeeded');
});

test('a worker runs what was enqueued', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })], { role: 'worker' });

  const operation = await engine.enqueue(specOf());
  expect(operation).toMatchObject({ state: 'pending', attempts: 0, step: 'only' });

  expect(await engine.operations.run(operation, 10_000)).toMatchObject({ state: 'succeeded', attempts: 1 });
});

test('a worker that has taken up many that wait for others runs these too', async () => {
  const child = handlerOf({ only: () => undefined });
  const parent = handlerOf(
    { wait: async ({ operation }) => awaitChild(String(operation.input['child'])) },
    { kind: 'thing.wait', lane: 'waiting' },
  );
  const api = await bench.start([child, parent]);
  const awaitChild = async (id: string) => {
    await untilState(api, await api.operations.get(id), 'succeeded');
  };
  const parents: Operation[] = [];
  for (let count = 0; count < 10; count += 1) {
    const { id } = await api.enqueue(specOf());
    parents.push(await api.enqueue(specOf({ kind: 'thing.wait', input: { child: id } })));
  }
  await bench.control.query(
    "UPDATE operations SET next_run_at = now() - interval '1 s' WHERE kind = 'thing.wait'",
  );

  const worker = await bench.start([child, parent], { role: 'worker' });

  for (const operation of parents) await untilState(worker, operation, 'succeeded');
});

test('a worker takes over what a process created and did not live to run', async () => {
  const handler = handlerOf({ only: () => undefined });
  const dead = await bench.start([handler], { leaseSeconds: 1 });
  const worker = await bench.start([handler], { role: 'worker' });

  const operation = await dead.create(specOf());

  expect(await untilState(worker, operation, 'succeeded')).toMatchObject({ attempts: 2 });
});

test('another process resumes from the recorded step, and the first can write nothing more', async () => {
  const ran: string[] = [];
  const gate = new Gate();
  const signals: AbortSignal[] = [];
  const first = await bench.start(
    [
      handlerOf({
        one: () => void ran.push('one'),
        two: ({ signal }) => {
          ran.push('two, to no avail');
          signals.push(signal);
          return gate.opened;
        },
        three: () => void ran.push('three, without a lease'),
      }),
    ],
    { leaseSeconds: 2 },
  );
  const operation = await first.run(specOf(), 50);
  await until('the first process is at step two', () => signals.length === 1);

  const second = await bench.start(
    [
      handlerOf({
        one: () => void ran.push('one again'),
        two: () => void ran.push('two'),
        three: () => void ran.push('three'),
      }),
    ],
    { role: 'worker' },
  );
  await expireLease(operation);

  expect(await untilState(second, operation, 'succeeded')).toMatchObject({ attempts: 2 });
  await until('the first process notices', () => signals[0]?.aborted);
  gate.release();
  await first.close();
  expect(ran).toEqual(['one', 'two, to no avail', 'two', 'three']);
  expect(await notes()).toEqual(['succeeded']);
});

test('takes no write under a lease that another process has taken over', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const { repository } = engine;
  const { id } = await engine.enqueue(specOf());
  const [first] = await repository.acquire(['thing.make'], 1, 15);
  await expireLease({ id });
  await repository.acquire(['thing.make'], 1, 15);
  const before = await repository.find(id);

  const token = first?.token ?? '';
  const error = { code: 'CONFLICT', message: 'late' } as const;
  const writes = await engine.transaction(async (tx) => [
    await repository.renew(id, token, 15),
    await repository.recordStep(id, token, { step: 'late', progress: 50 }),
    await repository.postpone(id, token, { delayMs: 0, error }),
    await repository.handOver(id, token),
    await repository.succeed(tx, id, token, null),
    await repository.abandon(tx, id, token, { state: 'failed', error }),
  ]);

  expect(writes).toEqual([false, null, null, null, null, null]);
  expect(await repository.find(id)).toEqual(before);
});

test('keeps its lease as long as a step runs', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const gate = new Gate();
  const handler = handlerOf({
    long: async () => {
      runs += 1;
      running += 1;
      most = Math.max(most, running);
      await gate.opened;
      running -= 1;
    },
  });
  const engines = await Promise.all(
    [1, 2, 3].map(() => bench.start([handler], { role: 'all', leaseSeconds: 1 })),
  );
  const [engine] = engines as [Engine];

  const operation = await engine.run(specOf(), 3_500);
  gate.release();

  await untilState(engine, operation, 'succeeded');
  expect({ runs, most }).toEqual({ runs: 1, most: 1 });
});

test('of ten workers that ask at once, one gets the operation', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  await engine.enqueue(specOf());

  const acquired = await Promise.all(
    Array.from({ length: 10 }, () => engine.repository.acquire(['thing.make'], 4, 15)),
  );

  expect(acquired.flat()).toHaveLength(1);
});

test('leaves operations alone that it has no handler for', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  await engine.enqueue(specOf());

  expect(await engine.repository.acquire(['other.make'], 4, 15)).toEqual([]);
});

test('tries a failed step again after a while, and whoever waits gets the end', async () => {
  const startedAt: number[] = [];
  const engine = await bench.start(
    [
      handlerOf({
        before: () => undefined,
        shaky: () => {
          startedAt.push(performance.now());
          if (startedAt.length === 1) throw new Error('the first time');
        },
      }),
    ],
    { role: 'all' },
  );

  const operation = await engine.run(specOf());

  expect(operation).toMatchObject({ state: 'succeeded', attempts: 2, error: null });
  const [first = 0, second = 0] = startedAt;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
});

test('tells between attempts why the last one failed', async () => {
  const engine = await bench.start([
    handlerOf({
      shaky: () => {
        throw new RowhouseError('RESOURCE_BUSY', 'somebody else is here');
      },
    }),
  ]);

  const operation = await engine.run(specOf(), 300);

  expect(operation).toMatchObject({
    state: 'pending',
    error: { code: 'RESOURCE_BUSY', message: 'somebody else is here' },
  });
});

test('fails after the last attempt, with the handler, and leaves an audit row', async () => {
  const engine = await bench.start([
    handlerOf(
      {
        broken: () => {
          throw new Error('password=hunter2 is wrong');
        },
      },
      { maxAttempts: 1 },
    ),
  ]);

  const operation = await engine.run(specOf());

  expect(operation).toMatchObject({
    state: 'failed',
    error: { code: 'OPERATION_FAILED', message: 'The operation failed because of an internal error.' },
  });
  expect(await notes()).toEqual(['OPERATION_FAILED']);
  expect(
    await bench.control.query('SELECT action, outcome, error_code, operation_id FROM audit_logs'),
  ).toEqual([
    { action: 'thing.make', outcome: 'failed', error_code: 'OPERATION_FAILED', operation_id: operation.id },
  ]);
});

test('gives up what was interrupted too often, as by a step that kills its process', async () => {
  const worker = await bench.start([handlerOf({ deadly: () => undefined }, { maxAttempts: 2 })], {
    role: 'worker',
  });
  const operation = await worker.transaction(async (tx) => {
    const made = await worker.operations.enqueue(tx, context, specOf());
    await tx.query('UPDATE operations SET attempts = 2 WHERE id = $1', [made.id]);
    return made;
  });

  expect((await untilState(worker, operation, 'failed')).error?.code).toBe('OPERATION_FAILED');
  expect(await notes()).toEqual(['OPERATION_FAILED']);
});

test('does not repeat what is refused for good', async () => {
  let runs = 0;
  const engine = await bench.start([
    handlerOf({
      refused: () => {
        runs += 1;
        throw new RowhouseError('OWNERSHIP_MISMATCH', 'not ours');
      },
    }),
  ]);

  const operation = await engine.run(specOf());

  expect(operation).toMatchObject({
    state: 'failed',
    error: { code: 'OWNERSHIP_MISMATCH', message: 'not ours' },
  });
  expect(runs).toBe(1);
});

test('ends at once when a server is away and the handler does not want to wait for it', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const engine = await bench.start([
    handlerOf({ reach: () => Promise.reject(away) }, { whenUnavailable: 'fail' }),
  ]);

  const operation = await engine.run(specOf());

  expect(operation).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'SERVICE_UNAVAILABLE' } });
});

test('a failing end of the handler undoes the end of the operation, and both are tried again', async () => {
  let ends = 0;
  const engine = await bench.start(
    [
      handlerOf(
        { only: () => undefined },
        {
          succeed: async (tx, operation) => {
            await tx.query('INSERT INTO notes (operation_id, note) VALUES ($1, $2)', [operation.id, 'end']);
            ends += 1;
            if (ends === 1) throw new Error('the first time');
            return null;
          },
        },
      ),
    ],
    { role: 'all' },
  );

  expect(await engine.run(specOf())).toMatchObject({ state: 'succeeded', attempts: 2 });
  expect(await notes()).toEqual(['end']);
});

test('ends at the deadline and tells the step by its signal', async () => {
  const gate = new Gate();
  const engine = await bench.start([
    handlerOf({ endless: ({ signal }) => gate.pass(signal) }, { deadlineSeconds: 1 }),
  ]);

  const operation = await engine.run(specOf());

  expect(operation).toMatchObject({ state: 'failed', error: { code: 'OPERATION_TIMED_OUT' } });
  expect(await notes()).toEqual(['OPERATION_TIMED_OUT']);
});

test('what nobody took up before its deadline fails without running', async () => {
  let runs = 0;
  const worker = await bench.start([handlerOf({ late: () => void runs++ })], { role: 'worker' });

  const operation = await worker.transaction(async (tx) => {
    const made = await worker.operations.enqueue(tx, context, specOf());
    await tx.query("UPDATE operations SET deadline_at = now() - interval '1 s' WHERE id = $1", [made.id]);
    return made;
  });

  expect((await untilState(worker, operation, 'failed')).error?.code).toBe('OPERATION_TIMED_OUT');
  expect(runs).toBe(0);
});

test('cancels a pending operation at once', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const operation = await engine.enqueue(specOf());

  const cancelled = await engine.operations.cancel(context, operation.id);

  expect(cancelled).toMatchObject({
    state: 'cancelled',
    cancelRequested: true,
    error: { code: 'OPERATION_CANCELLED' },
  });
  expect(await notes()).toEqual(['OPERATION_CANCELLED']);
  expect(
    await bench.control.query('SELECT action, outcome, error_code FROM audit_logs ORDER BY action'),
  ).toEqual([
    { action: 'operation.cancel', outcome: 'succeeded', error_code: null },
    { action: 'thing.make', outcome: 'failed', error_code: 'OPERATION_CANCELLED' },
  ]);
});

test('cancels a running operation before its next step', async () => {
  const gate = new Gate();
  let secondRan = false;
  const engine = await bench.start([
    handlerOf({
      first: () => gate.opened,
      second: () => {
        secondRan = true;
      },
    }),
  ]);
  const operation = await engine.run(specOf(), 50);

  expect(await engine.operations.cancel(context, operation.id)).toMatchObject({
    state: 'running',
    cancelRequested: true,
  });
  gate.release();

  await untilState(engine, operation, 'cancelled');
  expect(secondRan).toBe(false);
  expect(await notes()).toEqual(['OPERATION_CANCELLED']);
});

test('a cancel reaches an operation whose process died', async () => {
  const handler = handlerOf({ only: () => undefined });
  const dead = await bench.start([handler]);
  const operation = await dead.create(specOf());
  await dead.operations.cancel(context, operation.id);
  await expireLease(operation);

  const worker = await bench.start([handler], { role: 'worker' });

  await untilState(worker, operation, 'cancelled');
});

test('refuses to cancel what has ended or is unknown', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const { id } = await engine.run(specOf());

  await expect(engine.operations.cancel(context, id)).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(engine.operations.cancel(context, newId())).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a subject has one unfinished operation', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const spec = specOf();
  const { id } = await engine.enqueue(spec);

  await expect(engine.create(spec)).rejects.toMatchObject({ code: 'RESOURCE_BUSY' });
  await engine.operations.cancel(context, id);

  expect(await engine.run(spec)).toMatchObject({ state: 'succeeded' });
});

test('of ten operations on one subject at the same moment, one is made', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const spec = specOf();

  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => engine.enqueue(spec)));

  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refusals).toHaveLength(9);
  expect(
    refusals.every((refusal) => refusal instanceof RowhouseError && refusal.code === 'RESOURCE_BUSY'),
  ).toBe(true);
});

test('a request for a subject whose operation is just ending is refused rather than kept waiting', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const spec = specOf();
  const { id } = await engine.enqueue(spec);

  await engine.transaction(async (tx) => {
    await tx.query("UPDATE operations SET state = 'failed', finished_at = now() WHERE id = $1", [id]);
    await expect(engine.enqueue(spec)).rejects.toMatchObject({ code: 'RESOURCE_BUSY' });
  });
});

test('a failed operation may leave the clearing up to another one on the same subject', async () => {
  const engine: Engine = await bench.start(
    [
      handlerOf(
        { broken: () => Promise.reject(new RowhouseError('CONFLICT', 'no')) },
        {
          fail: async (tx, operation) => {
            await engine.operations.enqueueFollowUp(tx, operation, 'thing.clear');
          },
        },
      ),
      handlerOf({ clear: () => undefined }, { kind: 'thing.clear' }),
    ],
    { role: 'all' },
  );
  const spec = specOf();

  expect(await engine.run(spec)).toMatchObject({ state: 'failed' });

  const clearing = await until('the clearing up is done', async () => {
    const { items } = await engine.operations.list({ kind: 'thing.clear', state: 'succeeded', limit: 10 });
    return items[0];
  });
  expect(clearing.subjectId).toBe(spec.subjectId);
});

test('links the idempotency row of the request', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  await bench.control.query(
    `INSERT INTO idempotency_keys (api_key_id, idempotency_key, request_hash, locked_until, expires_at)
     VALUES ($1, 'k', '', now(), now()), ($1, 'other', '', now(), now())`,
    [context.principal.id],
  );

  const { id } = await engine.transaction((tx) =>
    engine.operations.create(tx, { ...context, idempotencyKey: 'k' }, specOf()),
  );

  expect(
    await bench.control.query('SELECT idempotency_key, operation_id FROM idempotency_keys ORDER BY 1'),
  ).toEqual([
    { idempotency_key: 'k', operation_id: id },
    { idempotency_key: 'other', operation_id: null },
  ]);
});

test('lists the newest first, page by page, and filters', async () => {
  const engine = await bench.start([
    handlerOf({ only: () => undefined }),
    handlerOf({ only: () => undefined }, { kind: 'thing.drop' }),
  ]);
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) made.unshift((await engine.enqueue(specOf())).id);
  const subjectId = newId();
  const dropped = await engine.run(specOf({ kind: 'thing.drop', subjectId }));

  const first = await engine.operations.list({ kind: 'thing.make', limit: 3 });
  const cursor = first.nextCursor ?? '';
  const second = await engine.operations.list({ kind: 'thing.make', limit: 3, cursor });

  expect([...first.items, ...second.items].map(({ id }) => id).sort()).toEqual([...made].sort());
  expect(first.items).toHaveLength(3);
  expect(second.nextCursor).toBeNull();
  expect((await engine.operations.list({ state: 'succeeded', limit: 3 })).items).toEqual([dropped]);
  expect((await engine.operations.list({ subjectId, limit: 3 })).items).toEqual([dropped]);
});

test('forgets what ended long ago, and only that', async () => {
  const engine = await bench.start([handlerOf({ only: () => undefined })]);
  const old = await engine.run(specOf());
  const recent = await engine.run(specOf());
  const unfinished = await engine.enqueue(specOf());
  await bench.control.query(
    `UPDATE operations SET created_at = now() - interval '40 days', finished_at = finished_at - interval '31 days'
     WHERE id <> $1`,
    [recent.id],
  );

  expect(await engine.repository.purge(30)).toBe(1);
  expect(await engine.operations.find(old.id)).toBeNull();
  expect(await engine.operations.find(unfinished.id)).not.toBeNull();
});
