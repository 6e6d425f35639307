import type { QueryResult } from 'pg';
import { TenancyError } from './tenancy-error.js';
import {
  assertNestable,
  beginNested,
  endNested,
  type IsolationLevel,
  type TenantOptions,
} from './tenant-options.js';

const BEGIN =
  /^(?:BEGIN(?: WORK| TRANSACTION)?|START TRANSACTION)((?: ISOLATION LEVEL (?:SERIALIZABLE|(?:REPEATABLE|READ) [A-Z]+)| READ ONLY| READ WRITE| NOT DEFERRABLE)*)$/;
const COMMIT = /^(?:COMMIT|END)(?: WORK| TRANSACTION)?(?: AND NO CHAIN)?$/;
const ROLLBACK = /^(?:ROLLBACK|ABORT)(?: WORK| TRANSACTION)?(?: AND NO CHAIN)?$/;

export interface InnerPlace {
  readonly outer: TenantOptions;
  nextSavepoint(): string;
  /** Past the guard; in its turn after what was sent before. */
  send(sql: string): Promise<unknown>;
}

/**
 * The transaction that the work begins by itself, as query builders do: a savepoint in that of the tenant. Its state
 * changes when a statement is sent, since the driver keeps their order whether or not they are awaited.
 */
export class InnerTransaction {
  private savepoint: string | null = null;

  constructor(private readonly place: InnerPlace) {}

  get isOpen(): boolean {
    return this.savepoint !== null;
  }

  /** The answer to a statement that begins or ends it; null for any other. Throws for what a savepoint cannot be. */
  answer(words: string): Promise<QueryResult> | null {
    const [begin, modes] = BEGIN.exec(words) ?? [];
    if (begin !== undefined) return this.begin(modes ?? '');
    if (this.savepoint === null) return null;
    if (COMMIT.test(words)) return this.commit(this.savepoint);
    return ROLLBACK.test(words) ? this.rollBack(this.savepoint) : null;
  }

  private begin(modes: string): Promise<QueryResult> {
    if (this.isOpen) throw underWay();
    const options = toOptions(modes);
    assertNestable(options, this.place.outer);
    const savepoint = this.place.nextSavepoint();
    this.savepoint = savepoint;
    return this.send(beginNested(savepoint, options), 'BEGIN').catch((error: unknown) => {
      if (this.savepoint === savepoint) this.savepoint = null;
      throw error;
    });
  }

  /** After a failed statement it fails too, where PostgreSQL would answer ROLLBACK: then it is still to be rolled back. */
  private commit(savepoint: string): Promise<QueryResult> {
    this.savepoint = null;
    return this.send(endNested(savepoint, {}, this.place.outer), 'COMMIT').catch((error: unknown) => {
      this.savepoint ??= savepoint;
      throw error;
    });
  }

  private rollBack(savepoint: string): Promise<QueryResult> {
    this.savepoint = null;
    return this.send(
      `ROLLBACK TO SAVEPOINT ${savepoint}; ${endNested(savepoint, {}, this.place.outer)}`,
      'ROLLBACK',
    );
  }

  /** Told as what was asked for: a query builder may look at that. */
  private async send(sql: string, command: string): Promise<QueryResult> {
    const [result] = [await this.place.send(sql)].flat() as [QueryResult];
    return Object.assign(result, { command });
  }
}

function toOptions(modes: string): TenantOptions {
  const [, level] = /ISOLATION LEVEL (SERIALIZABLE|\w+ \w+)/.exec(modes) ?? [];
  const [access] = /READ (ONLY|WRITE)(?!.* READ (ONLY|WRITE))/.exec(modes) ?? [];
  return {
    ...(level !== undefined && { isolationLevel: level.toLowerCase() as IsolationLevel }),
    ...(access !== undefined && { readOnly: access === 'READ ONLY' }),
  };
}

function underWay(): TenancyError {
  return new TenancyError(
    'STATEMENT_REFUSED',
    'BEGIN has no place here: this client is in a transaction that the work has begun. Await its end, or make a savepoint.',
  );
}
