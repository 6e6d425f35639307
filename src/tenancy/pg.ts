import type { ClientBase, Pool, PoolClient } from 'pg';
import type { TenantOptions } from './tenant-options.js';
import { type TransactionSource, useTenant } from './tenant-transaction.js';
import { untilAborted } from './until-aborted.js';

export { TenancyError, type TenancyErrorCode } from './tenancy-error.js';
export type { IsolationLevel, TenantOptions } from './tenant-options.js';

/**
 * Runs `work` as a tenant, in one transaction on a connection of the application's pool. The pool logs in as the hosting
 * database's `<database>_app` role, through PgBouncer in transaction mode or directly. Names without a schema mean the
 * tenant's own tables, then those of `shared`.
 *
 * It commits when the work returns, and rolls back and throws the work's own error when it throws. Inside the work, the
 * same tenant again is a savepoint; another tenant is refused. Throws TenancyError for what the library refuses.
 *
 * @param tenant the name of the tenant's schema, such as `tenant_0001`
 */
export function withTenant<T>(
  pool: Pool,
  tenant: string,
  work: (client: ClientBase) => Promise<T>,
  options: TenantOptions = {},
): Promise<T> {
  return useTenant(poolSource(pool), { tenant, options }, work);
}

/** The transactions of a node-postgres pool. */
export function poolSource(pool: Pool): TransactionSource<ClientBase> {
  return {
    owner: pool,
    lease: async (signal) => {
      const client = await connect(pool, signal);
      return {
        client,
        present: (guarded) => guarded,
        release: (isBroken) => client.release(isBroken),
      };
    },
  };
}

/** A connection that comes after the caller has given up goes back at once. */
async function connect(pool: Pool, signal: AbortSignal | undefined): Promise<PoolClient> {
  const coming = pool.connect();
  try {
    return await untilAborted(coming, signal);
  } catch (error) {
    coming.then(
      (client) => client.release(),
      () => {},
    );
    throw error;
  }
}
