import { TenancyError } from './tenancy-error.js';
import { type Lease, TenantConnection } from './tenant-connection.js';
import { assertOptions, assertTenant, beginTenant, type TenantOptions } from './tenant-options.js';
import { findScope, TenantScope } from './tenant-scope.js';

/** No such role, or one that the login is no member of (PostgreSQL manual, SET ROLE). */
const ROLE_REFUSALS = new Set(['22023', '42704', '42501']);

/** Where transactions come from: a pool or a data source. */
export interface TransactionSource<Handle> {
  readonly owner: object;
  lease(signal: AbortSignal | undefined): Promise<Lease<Handle>>;
}

export interface TenantUse {
  readonly tenant: string;
  readonly options: TenantOptions;
}

/** Runs the work in a transaction of its own, or in a savepoint where the caller is in the tenant's transaction already. */
export async function useTenant<Handle, T>(
  source: TransactionSource<Handle>,
  { tenant, options }: TenantUse,
  work: (handle: Handle) => Promise<T>,
): Promise<T> {
  assertTenant(tenant);
  assertOptions(options);
  options.signal?.throwIfAborted();
  const outer = findScope();
  const isElsewhere = outer !== null && outer.tenant !== tenant;
  if (isElsewhere && options.insideAnother !== 'separate') throw another(outer.tenant, tenant);
  if (outer?.tenant === tenant && outer.owner === source.owner) {
    return (outer as TenantScope<Handle>).nest(options, work);
  }
  const lease = await source.lease(options.signal);
  return new TenantTransaction(source.owner, lease, { tenant, options }).run(work);
}

/** One transaction on one connection, from BEGIN until that is given back. */
class TenantTransaction<Handle> {
  private readonly connection: TenantConnection;
  private readonly scope: TenantScope<Handle>;
  private isOver = false;

  constructor(
    owner: object,
    private readonly lease: Lease<Handle>,
    private readonly use: TenantUse,
  ) {
    this.connection = new TenantConnection(lease.client);
    this.scope = new TenantScope({ owner, lease, connection: this.connection, parent: null, ...use });
  }

  async run<T>(work: (handle: Handle) => Promise<T>): Promise<T> {
    let isReusable = false;
    try {
      await this.begin();
      const result = await this.scope.run(work);
      await this.commit();
      isReusable = true;
      return result;
    } catch (error) {
      isReusable = await this.rollBack();
      throw error;
    } finally {
      this.connection.detach();
      this.lease.release(!isReusable);
    }
  }

  private async begin(): Promise<void> {
    const { tenant, options } = this.use;
    try {
      await this.connection.send(beginTenant(tenant, options));
    } catch (error) {
      throw ROLE_REFUSALS.has((error as { code?: string }).code ?? '') ? unknown(tenant, error) : error;
    }
  }

  /** An answer other than COMMIT means that nothing was kept. */
  private async commit(): Promise<void> {
    await this.lease.committing?.();
    this.scope.close();
    this.isOver = true;
    const command = await this.connection.send('COMMIT');
    if (command !== 'COMMIT') {
      throw new TenancyError(
        'ROLLED_BACK',
        'A statement failed and its error was swallowed, so PostgreSQL rolled everything back. Use a nested withTenant around what may fail.',
      );
    }
    this.scope.keep();
    await this.lease.committed?.();
  }

  /** Returns whether the connection is free of the transaction; else nothing of it is kept, since it is closed. */
  private async rollBack(): Promise<boolean> {
    const { signal } = this.use.options;
    this.scope.close(signal?.aborted ? toError(signal.reason) : undefined);
    if (!(await this.connection.quieten())) return false;
    return this.isOver || this.connection.trySend('ROLLBACK');
  }
}

function another(outer: string, tenant: string): TenancyError {
  return new TenancyError(
    'OTHER_TENANT',
    `This runs inside the transaction of "${outer}" and asks for "${tenant}". End the outer one first, or say insideAnother: 'separate'.`,
  );
}

function unknown(tenant: string, cause: unknown): TenancyError {
  return new TenancyError(
    'UNKNOWN_TENANT',
    `The pool's login cannot act as "${tenant}": ${toError(cause).message}.`,
    { cause },
  );
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
