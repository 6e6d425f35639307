import type { ClientBase } from 'pg';
import { statementsOf } from '../kernel/sql-words.js';
import { InnerTransaction } from './inner-transaction.js';
import { assertTransactional } from './statement-check.js';
import { TenancyError } from './tenancy-error.js';
import type { TenantOptions } from './tenant-options.js';

type Callback = (error: Error | null, result?: unknown) => void;

/** A cursor or a stream: pg calls its `submit` when its turn comes. */
interface Submittable {
  readonly submit: () => void;
}

const REFUSED: Readonly<Record<string, string>> = {
  release: 'the connection goes back by itself when the work has ended',
  end: 'the connection belongs to the pool',
  connect: 'it is connected',
  setTypeParser: 'the connection belongs to the pool: give the query its own `types`',
};

/**
 * Stands between the work and the connection: counts the queries that run, makes savepoints of the transactions that the
 * work begins itself, refuses what would end the tenant's, and all queries once that is over, when the connection works
 * for somebody else.
 */
export class StatementGuard {
  /** The connection as the work gets it. */
  readonly client: ClientBase;
  private pending = 0;
  private closedBy: Error | null = null;
  private readonly inner: InnerTransaction;

  constructor(
    private readonly raw: ClientBase,
    place: { readonly options: TenantOptions; nextSavepoint(): string },
  ) {
    this.inner = new InnerTransaction({
      outer: place.options,
      nextSavepoint: () => place.nextSavepoint(),
      send: (sql) => raw.query(sql),
    });
    this.client = new Proxy(raw, { get: (target, property) => this.read(target, property) });
  }

  get isOpen(): boolean {
    return this.closedBy === null;
  }

  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** Whether the work has begun a transaction and not ended it. */
  get isInTransaction(): boolean {
    return this.inner.isOpen;
  }

  /** From now on every query fails with `reason`. */
  close(reason: Error): void {
    this.closedBy ??= reason;
  }

  assertOpen(): void {
    if (this.closedBy) throw this.closedBy;
  }

  private read(target: ClientBase, property: string | symbol): unknown {
    if (property === 'query') return this.query;
    const why = typeof property === 'string' && Object.hasOwn(REFUSED, property) ? REFUSED[property] : null;
    if (why) return () => refuse(String(property), why);
    const value: unknown = Reflect.get(target, property, target);
    return typeof value === 'function' ? value.bind(target) : value;
  }

  private readonly query = (...parameters: unknown[]): unknown => {
    const [statement, ...others] = parameters;
    const callback = others.at(-1);
    try {
      this.assertOpen();
      const statements = statementsOf(textOf(statement));
      const [words = ''] = statements;
      const isAlone = statements.length === 1 && !isSubmittable(statement);
      const answer = isAlone ? this.inner.answer(words) : null;
      if (answer) return deliver(this.count(answer), callback);
      assertTransactional(statements);
    } catch (error) {
      return fail(error as Error, statement, callback);
    }
    if (isSubmittable(statement)) return this.send(parameters);
    if (typeof callback === 'function') return this.send([statement, ...this.counted(others)]);
    return this.count(this.send(parameters) as Promise<unknown>);
  };

  private send(parameters: unknown[]): unknown {
    return Reflect.apply(this.raw.query, this.raw, parameters);
  }

  private count<T>(query: Promise<T>): Promise<T> {
    this.pending += 1;
    const end = () => {
      this.pending -= 1;
    };
    query.then(end, end);
    return query;
  }

  private counted(parameters: unknown[]): unknown[] {
    this.pending += 1;
    const callback = parameters.at(-1) as Callback;
    return [
      ...parameters.slice(0, -1),
      ((error, result) => {
        this.pending -= 1;
        callback(error, result);
      }) satisfies Callback,
    ];
  }
}

function refuse(what: string, why: string): never {
  throw new TenancyError('STATEMENT_REFUSED', `${what}() has no place here: ${why}.`);
}

function deliver(answer: Promise<unknown>, callback: unknown): unknown {
  if (typeof callback !== 'function') return answer;
  answer.then(
    (result) => process.nextTick(callback, null, result),
    (error: unknown) => process.nextTick(callback, error),
  );
  return undefined;
}

/** In the way in which the query itself would have told of its end. */
function fail(error: Error, statement: unknown, callback: unknown): unknown {
  if (isSubmittable(statement)) throw error;
  if (typeof callback !== 'function') return Promise.reject(error);
  process.nextTick(callback, error);
  return undefined;
}

function isSubmittable(statement: unknown): statement is Submittable {
  return typeof (statement as Partial<Submittable> | null)?.submit === 'function';
}

/** pg-cursor keeps its text itself, pg-query-stream in its cursor. */
function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const { text, cursor } = (statement ?? {}) as { text?: unknown; cursor?: { text?: unknown } };
  return String(text ?? cursor?.text ?? '');
}
