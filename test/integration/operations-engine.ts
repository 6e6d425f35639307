import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource, type EntityManager } from 'typeorm';
import { afterAll, afterEach } from 'vitest';
import { CONFIG, type Config, type ProcessRole } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { systemContext } from '../../src/http/request-context.js';
import { AuditModule } from '../../src/infra/control-db/audit.module.js';
import { ControlDbModule } from '../../src/infra/control-db/control-db.module.js';
import { migrate } from '../../src/infra/control-db/migrator.js';
import { Clock, SystemClock } from '../../src/kernel/clock.js';
import { newId } from '../../src/kernel/ids.js';
import { OperationRepository } from '../../src/operations/operation.repository.js';
import type {
  Operation,
  OperationError,
  OperationHandler,
  StepContext,
} from '../../src/operations/operation.types.js';
import { OperationObserver } from '../../src/operations/operation-observer.js';
import { OperationsModule } from '../../src/operations/operations.module.js';
import { type OperationSpec, OperationsService } from '../../src/operations/operations.service.js';
import { Session } from '../support/session.js';
import { startTestStack, type TestStack } from '../support/stack.js';

export const context = systemContext('test');

export interface EngineOptions {
  readonly role?: ProcessRole;
  readonly leaseSeconds?: number;
  readonly observer?: OperationObserver;
}

/** One process's engine, on the control database that it shares with others. */
export class Engine {
  readonly operations: OperationsService;
  readonly repository: OperationRepository;
  private readonly control: DataSource;

  constructor(private readonly app: INestApplicationContext) {
    this.operations = app.get(OperationsService);
    this.repository = app.get(OperationRepository);
    this.control = app.get(DataSource);
  }

  transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.control.transaction(work);
  }

  create(spec: OperationSpec): Promise<Operation> {
    return this.transaction((tx) => this.operations.create(tx, context, spec));
  }

  enqueue(spec: OperationSpec): Promise<Operation> {
    return this.transaction((tx) => this.operations.enqueue(tx, context, spec));
  }

  async run(spec: OperationSpec, waitMs = 20_000): Promise<Operation> {
    return this.operations.run(await this.create(spec), waitMs);
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

export interface Bench {
  readonly stack: TestStack;
  readonly config: Config;
  /** As superuser in the control database, on the direct port. */
  readonly control: Session;
  /** `api` (the default) only runs what it created itself, `all` also what it finds. */
  start(handlers: readonly OperationHandler[], options?: EngineOptions): Promise<Engine>;
}

/** A control database behind PgBouncer, and engines on it that are closed after each test. */
export async function startBench(): Promise<Bench> {
  const stack = await startTestStack({ withRedis: false });
  const config = loadConfig({ ...stack.env, LOG_LEVEL: 'silent' });
  const { user, password, database } = config.control;
  const { host, port } = config.server;
  await migrate(config);
  const control = new Session({ host, port, user, password, database });
  await control.query('CREATE TABLE notes (id bigserial PRIMARY KEY, operation_id uuid, note text)');
  const engines: Engine[] = [];
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()));
    await control.query('TRUNCATE operations, notes, audit_logs, idempotency_keys');
  });
  afterAll(async () => {
    await control.end();
    await stack.stop();
  });
  const start = async (handlers: readonly OperationHandler[], options: EngineOptions = {}) => {
    const engine = new Engine(await startContext(config, handlers, options));
    engines.push(engine);
    return engine;
  };
  return { stack, config, control, start };
}

function startContext(
  config: Config,
  handlers: readonly OperationHandler[],
  { role = 'api', leaseSeconds = 15, observer }: EngineOptions,
): Promise<INestApplicationContext> {
  const root = engineModule({ ...config, role, operations: { leaseSeconds } }, handlers, observing(observer));
  return NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
}

function observing(observer: OperationObserver | undefined): DynamicModule[] {
  if (!observer) return [];
  const provider = { provide: OperationObserver, useValue: observer };
  return [
    { module: class ObserverModule {}, global: true, providers: [provider], exports: [OperationObserver] },
  ];
}

/** The engine with what it stands on, and more beside it. */
export function engineModule(
  config: Config,
  handlers: readonly OperationHandler[],
  more: NonNullable<DynamicModule['imports']> = [],
): DynamicModule {
  @Module({})
  class HandlersModule {
    constructor(operations: OperationsService) {
      for (const handler of handlers) operations.register(handler);
    }
  }
  const foundation = {
    module: class FoundationModule {},
    global: true,
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: Clock, useClass: SystemClock },
    ],
    exports: [CONFIG, Clock],
  };
  return {
    module: class EngineModule {},
    imports: [foundation, ControlDbModule.register(), AuditModule, OperationsModule, HandlersModule, ...more],
  };
}

type Work = (context: StepContext) => Promise<void> | void;

/** A kind of operation whose steps are the given functions. Its ends leave a note in their transaction. */
export function handlerOf(
  steps: Readonly<Record<string, Work>>,
  changes: Partial<OperationHandler> = {},
): OperationHandler {
  return {
    kind: 'thing.make',
    maxAttempts: 3,
    deadlineSeconds: 60,
    whenUnavailable: 'retry',
    steps: Object.entries(steps).map(([name, work]) => ({ name, run: async (step) => work(step) })),
    succeed: async (tx, operation) => {
      await note(tx, operation, 'succeeded');
      return { made: true };
    },
    fail: (tx, operation, error) => note(tx, operation, error.code),
    ...changes,
  };
}

export async function note(
  tx: EntityManager,
  { id }: Operation,
  text: OperationError['code'] | string,
): Promise<void> {
  await tx.query('INSERT INTO notes (operation_id, note) VALUES ($1, $2)', [id, text]);
}

export function specOf(changes: Partial<OperationSpec> = {}): OperationSpec {
  return { kind: 'thing.make', subjectType: 'thing', subjectId: newId(), input: {}, ...changes };
}

/** Something that a test opens and a step waits for. */
export class Gate {
  private open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  release(): void {
    this.open();
  }

  /** Waits for the gate, but not longer than the step may work. */
  async pass(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await Promise.race([this.opened, aborted]);
  }
}
