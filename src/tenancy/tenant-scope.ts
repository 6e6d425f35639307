import { AsyncLocalStorage } from 'node:async_hooks';
import { StatementGuard } from './statement-guard.js';
import { TenancyError } from './tenancy-error.js';
import type { Lease, TenantConnection } from './tenant-connection.js';
import { assertNestable, beginNested, endNested, type TenantOptions } from './tenant-options.js';
import { untilAborted } from './until-aborted.js';

const READY_PATIENCE_MS = 1_000;

const present = new AsyncLocalStorage<TenantScope<unknown>>();

/**
 * The transaction, or the savepoint in it, that the caller's work runs in; null where there is none. What was started
 * inside one that is kept by now stands on its own. Throws for what is left of one that was rolled back, since a part of
 * its work would be kept else.
 */
export function findScope(): TenantScope<unknown> | null {
  let scope = present.getStore() ?? null;
  while (scope && !scope.isOpen) scope = scope.succeeded();
  return scope;
}

export interface ScopePlace<Handle> {
  /** The pool or data source. */
  readonly owner: object;
  readonly tenant: string;
  readonly options: TenantOptions;
  readonly lease: Lease<Handle>;
  readonly connection: TenantConnection;
  /** The scope that a savepoint is in. */
  readonly parent: TenantScope<Handle> | null;
}

/** One use of a tenant: the work, with its own guard, between the statements that begin and end it. */
export class TenantScope<Handle> {
  readonly handle: Handle;
  private readonly guard: StatementGuard;
  private readonly nested = new Set<TenantScope<Handle>>();
  /** Savepoints on one connection cannot overlap: the next nested use waits for the one before it. */
  private lastNested: Promise<unknown> = Promise.resolve();
  private waitingNested = 0;
  private isKept = false;

  constructor(private readonly place: ScopePlace<Handle>) {
    const { lease, connection, options } = place;
    this.guard = new StatementGuard(lease.client, {
      options,
      nextSavepoint: () => connection.nextSavepoint(),
    });
    this.handle = place.lease.present(this.guard.client);
  }

  get isOpen(): boolean {
    return this.guard.isOpen;
  }

  get owner(): object {
    return this.place.owner;
  }

  get tenant(): string {
    return this.place.tenant;
  }

  /** Runs the work until it is done and none of its queries runs any more. */
  async run<T>(work: (handle: Handle) => Promise<T>): Promise<T> {
    const { signal } = this.place.options;
    signal?.throwIfAborted();
    const running = present.run(this, async () => work(this.handle));
    const result = await untilAborted(running, signal);
    this.guard.assertOpen();
    if (!(await this.isFinished())) throw unfinished(this.tenant);
    if (this.guard.isInTransaction) throw uncommitted(this.tenant);
    return result;
  }

  /** The scope that this one became a part of; null for a whole transaction. Throws when it was not kept. */
  succeeded(): TenantScope<Handle> | null {
    if (!this.isKept) this.guard.assertOpen();
    return this.place.parent;
  }

  /** To be called when its last statement has succeeded. */
  keep(): void {
    this.isKept = true;
  }

  /** Refuses every further query of the work, also of nested ones. */
  close(reason: Error = ended(this.tenant)): void {
    this.guard.close(reason);
    for (const scope of this.nested) scope.close(reason);
  }

  /** The same tenant once more, as a savepoint in this transaction. */
  nest<T>(options: TenantOptions, work: (handle: Handle) => Promise<T>): Promise<T> {
    assertNestable(options, this.place.options);
    this.waitingNested += 1;
    const nested = this.lastNested.then(() => this.runNested(options, work));
    const settle = () => {
      this.waitingNested -= 1;
    };
    this.lastNested = nested.then(settle, settle);
    return nested;
  }

  private async runNested<T>(options: TenantOptions, work: (handle: Handle) => Promise<T>): Promise<T> {
    const { connection, lease, options: outer } = this.place;
    this.guard.assertOpen();
    const savepoint = connection.nextSavepoint();
    await connection.send(beginNested(savepoint, options));
    const scope = new TenantScope({ ...this.place, parent: this, options: nestedOptions(options, outer) });
    this.nested.add(scope);
    try {
      const result = await scope.run(work);
      this.guard.assertOpen();
      scope.close();
      await connection.send(endNested(savepoint, options, outer));
      scope.keep();
      return result;
    } catch (error) {
      scope.close();
      await this.undo(savepoint, options);
      throw error;
    } finally {
      this.nested.delete(scope);
      lease.present(this.guard.client);
    }
  }

  /** A savepoint that cannot be undone takes the whole transaction with it. */
  private async undo(savepoint: string, options: TenantOptions): Promise<void> {
    const { connection, options: outer } = this.place;
    if (!this.isOpen) return;
    const isUndone =
      (await connection.quieten()) &&
      this.isOpen &&
      (await connection.trySend(
        `ROLLBACK TO SAVEPOINT ${savepoint}; ${endNested(savepoint, options, outer)}`,
      ));
    if (!isUndone) this.close(lost(this.tenant));
  }

  /** A lost connection has nothing left to wait for: COMMIT tells of it. */
  private async isFinished(): Promise<boolean> {
    if (this.guard.isBusy || this.waitingNested > 0) return false;
    const { connection } = this.place;
    return (await connection.becomesReady(READY_PATIENCE_MS)) || connection.isLost;
  }
}

function nestedOptions(nested: TenantOptions, outer: TenantOptions): TenantOptions {
  return {
    readOnly: nested.readOnly ?? outer.readOnly,
    isolationLevel: outer.isolationLevel,
    statementTimeoutMs: nested.statementTimeoutMs ?? outer.statementTimeoutMs,
    signal: nested.signal,
  };
}

/** For whoever asks an ended scope: the connection may be another client's by now. */
function ended(tenant: string): TenancyError {
  return new TenancyError(
    'TRANSACTION_ENDED',
    `The transaction of "${tenant}" has ended: await every query inside the work, and keep nothing of it.`,
  );
}

function unfinished(tenant: string): TenancyError {
  return new TenancyError(
    'UNFINISHED_QUERY',
    `The work for "${tenant}" returned while one of its queries was still running, so it was rolled back: await them all.`,
  );
}

function uncommitted(tenant: string): TenancyError {
  return new TenancyError(
    'UNFINISHED_TRANSACTION',
    `The work for "${tenant}" returned inside a transaction that it had begun itself, so it was rolled back: commit it.`,
  );
}

function lost(tenant: string): TenancyError {
  return new TenancyError(
    'CONNECTION_LOST',
    `A nested use of "${tenant}" could not be undone, so the whole transaction was given up.`,
  );
}
