import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { afterEach, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/create-app.js';
import { HttpModule } from '../../src/http/http.module.js';
import { RedisModule } from '../../src/infra/redis/redis.module.js';
import { newId, randomHex } from '../../src/kernel/ids.js';
import { AddressBansModule } from '../../src/modules/address-bans/address-bans.module.js';
import { ApiKeysModule } from '../../src/modules/api-keys/api-keys.module.js';
import { OperationsApiModule } from '../../src/modules/operations/operations-api.module.js';
import { ChangeFeed } from '../../src/operations/change-feed.js';
import type { Operation, OperationHandler } from '../../src/operations/operation.types.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import { until } from '../support/until.js';
import { context, engineModule, Gate, handlerOf, specOf, startBench } from './operations-engine.js';

const bench = await startBench();
const apps: NestFastifyApplication[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

class Api {
  constructor(
    private readonly app: NestFastifyApplication,
    private readonly url: string,
    private readonly key: string,
  ) {}

  get operations(): OperationsService {
    return this.app.get(OperationsService);
  }

  /** How many streams follow an operation. */
  get listeners(): number {
    return this.app.get(ChangeFeed).size;
  }

  create(): Promise<Operation> {
    return this.app.get(DataSource).transaction((tx) => this.operations.create(tx, context, specOf()));
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/api/operations${path}`, { ...init, headers: { 'x-api-key': this.key } });
  }

  async json(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await this.request(path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /**
   * The events up to the end of the stream, or up to the one that `isEnough` accepts. On a connection of its own, which
   * closes when it leaves; fetch would open another one in advance.
   */
  async events(path: string, isEnough: (event: Event) => boolean = () => false): Promise<Event[]> {
    const request = get(`${this.url}/api/operations${path}`, {
      headers: { 'x-api-key': this.key },
      agent: false,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toContain('text/event-stream');
    const events: Event[] = [];
    for await (const event of parseEvents(response)) {
      events.push(event);
      if (isEnough(event)) break;
    }
    request.destroy();
    return events;
  }
}

interface Event {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

async function* parseEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<Event> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk.toString('utf8');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const type = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (type && data) yield { type, data: JSON.parse(data) as Record<string, unknown> };
    }
  }
}

async function startApi(handlers: readonly OperationHandler[]): Promise<Api> {
  const apiKey = randomHex(24);
  const config = { ...bench.config, role: 'api' as const, apiKey };
  const root = engineModule(config, handlers, [
    RedisModule,
    HttpModule.register(),
    AddressBansModule,
    ApiKeysModule,
    OperationsApiModule,
  ]);
  const app = await createHttpApp(root, config, { logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return new Api(app, await app.getUrl(), apiKey);
}

test('shows an operation with the fields that clients know', async () => {
  const handler = handlerOf({ only: () => undefined });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const spec = specOf({ input: { kept: 'to itself' } });
  const operation = await engine.run(spec);

  const { status, body } = await api.json(`/${operation.id}`);

  expect(status).toBe(200);
  expect(body).toEqual({
    success: true,
    data: {
      id: operation.id,
      kind: 'thing.make',
      subject_type: 'thing',
      subject_id: spec.subjectId,
      state: 'succeeded',
      step: 'only',
      progress: 100,
      attempts: 1,
      cancel_requested: false,
      result: { made: true },
      error: null,
      created_at: operation.createdAt.toISOString(),
      started_at: operation.startedAt?.toISOString(),
      finished_at: operation.finishedAt?.toISOString(),
      deadline_at: operation.deadlineAt.toISOString(),
    },
  });
});

test('lists with filters and names bad ones', async () => {
  const handler = handlerOf({ only: () => undefined });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const { id, subjectId } = await engine.run(specOf());
  await engine.enqueue(specOf());

  const { body } = await api.json(`?kind=thing.make&state=succeeded&subjectId=${subjectId}`);
  const bad = await api.json('?kind=thing&state=asleep&subjectId=7&limit=0&colour=red');

  expect(body).toMatchObject({ success: true, count: 1, next_cursor: null, data: [{ id }] });
  expect(bad.status).toBe(400);
  expect((bad.body['errors'] as { field: string }[]).map(({ field }) => field).sort()).toEqual(
    ['colour', 'kind', 'limit', 'state', 'subjectId'].sort(),
  );
});

test('cancels a pending operation, accepts to cancel a running one and refuses an ended one', async () => {
  const gate = new Gate();
  const handler = handlerOf({ first: () => gate.opened, second: () => undefined });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const pending = await engine.enqueue(specOf());
  const running = await engine.run(specOf(), 0);

  const first = await api.json(`/${pending.id}/cancel`, { method: 'POST' });
  const second = await api.request(`/${running.id}/cancel`, { method: 'POST' });
  const third = await api.json(`/${pending.id}/cancel`, { method: 'POST' });
  gate.release();

  expect(first).toMatchObject({
    status: 200,
    body: { data: { state: 'cancelled', cancel_requested: true } },
  });
  expect(second.status).toBe(202);
  expect(second.headers.get('location')).toBe(`/api/operations/${running.id}`);
  expect(third).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
});

test('answers 404 for an unknown operation, also before a stream starts', async () => {
  const api = await startApi([]);

  for (const path of [`/${newId()}`, `/${newId()}/events`]) {
    const { status, body } = await api.json(path);
    expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'NOT_FOUND' });
  }
  expect((await api.json('/seven/events')).status).toBe(400);
});

test('streams an operation that another process runs, to its end', async () => {
  const gate = new Gate();
  const handler = handlerOf({ first: () => gate.opened, second: () => undefined });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const operation = await engine.run(specOf(), 0);
  const seen: Event[] = [];

  const streaming = api.events(`/${operation.id}/events`, (event) => {
    seen.push(event);
    return false;
  });
  await until('the first event', () => seen.length > 0);
  gate.release();
  const events = await streaming;

  expect(events[0]).toMatchObject({ type: 'state', data: { state: 'running', step: 'first', progress: 0 } });
  expect(events.slice(-2).map(({ type }) => type)).toEqual(['state', 'end']);
  const { body } = await api.json(`/${operation.id}`);
  expect(events.at(-1)?.data).toEqual(body['data']);
});

test('streams the steps of an operation of its own at once', async () => {
  const gates = [new Gate(), new Gate(), new Gate()] as const;
  const [one, two, three] = gates;
  const api = await startApi([
    handlerOf({ one: () => one.opened, two: () => two.opened, three: () => three.opened }),
  ]);
  const operation = await api.create();
  await api.operations.run(operation, 0);

  const events = await api.events(`/${operation.id}/events`, ({ data }) => {
    const at = ['one', 'two', 'three'].indexOf(String(data['step']));
    gates[at]?.release();
    return false;
  });

  expect(events.map(({ type, data }) => `${type} ${data['step']} ${data['progress']}`)).toEqual([
    'state one 0',
    'progress two 33',
    'progress three 66',
    'state three 100',
    'end three 100',
  ]);
});

test('ends the stream of an operation that has ended before', async () => {
  const handler = handlerOf({ only: () => undefined });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const { id } = await engine.run(specOf());

  const events = await api.events(`/${id}/events`);

  expect(events.map(({ type }) => type)).toEqual(['state', 'end']);
});

test('stops asking the control database when the client leaves', async () => {
  const gate = new Gate();
  const handler = handlerOf({ first: () => gate.opened });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const operation = await engine.run(specOf(), 0);

  await api.events(`/${operation.id}/events`, () => true);

  await until('nobody listens any more', () => api.listeners === 0);
  gate.release();
});

test('a stream does not keep the process from stopping', async () => {
  const gate = new Gate();
  const handler = handlerOf({ first: ({ signal }) => gate.pass(signal) });
  const api = await startApi([handler]);
  const engine = await bench.start([handler]);
  const operation = await engine.run(specOf(), 0);
  const seen: Event[] = [];
  const streaming = api.events(`/${operation.id}/events`, (event) => {
    seen.push(event);
    return false;
  });
  await until('the first event', () => seen.length > 0);

  await Promise.all(apps.splice(0).map((app) => app.close()));

  expect((await streaming).map(({ type }) => type)).toEqual(['state']);
  gate.release();
});
