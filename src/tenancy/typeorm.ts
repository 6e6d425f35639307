import type { ClientBase } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { TenancyError } from './tenancy-error.js';
import type { Lease } from './tenant-connection.js';
import type { TenantOptions } from './tenant-options.js';
import { type TransactionSource, useTenant } from './tenant-transaction.js';
import { untilAborted } from './until-aborted.js';

export { TenancyError, type TenancyErrorCode } from './tenancy-error.js';
export type { IsolationLevel, TenantOptions } from './tenant-options.js';

/** What a query runner keeps of its connection and of the transaction on it; TypeORM hides it from subtypes only. */
interface RunnerState {
  databaseConnection: ClientBase;
  isTransactionActive: boolean;
  transactionDepth: number;
  release: () => Promise<void>;
}

/**
 * Runs `work` as a tenant, in one transaction of a TypeORM DataSource of type `postgres` whose login is the hosting
 * database's `<database>_app` role. Everything that goes through the manager is in it; `manager.transaction()` inside is
 * a savepoint. The rest is as with `withTenant` for node-postgres. TypeORM wraps what a query throws as
 * QueryFailedError; `driverError` is the error itself, also where the library refused the statement.
 *
 * Leave the option `schema` and the entities' own unset: with it, TypeORM writes the schema before each table's name.
 *
 * @param tenant the name of the tenant's schema, such as `tenant_0001`
 */
export function withTenantManager<T>(
  dataSource: DataSource,
  tenant: string,
  work: (manager: EntityManager) => Promise<T>,
  options: TenantOptions = {},
): Promise<T> {
  return useTenant(dataSourceTransactions(dataSource), { tenant, options }, work);
}

/** The transactions of a data source. */
export function dataSourceTransactions(dataSource: DataSource): TransactionSource<EntityManager> {
  return {
    owner: dataSource,
    lease: async (signal) => {
      assertPostgres(dataSource);
      const runner = dataSource.createQueryRunner();
      return lend(runner, await connect(runner, signal));
    },
  };
}

/** So that TypeORM makes savepoints inside the transaction, where it would begin and commit another one. */
function lend(runner: QueryRunner, client: ClientBase): Lease<EntityManager> {
  const state = runner as unknown as RunnerState;
  const release = state.release.bind(runner);
  state.release = refuseRelease;
  const set = (depth: number) => {
    state.isTransactionActive = depth > 0;
    state.transactionDepth = depth;
  };
  set(1);
  return {
    client,
    present: (guarded) => {
      state.databaseConnection = guarded;
      return runner.manager;
    },
    committing: () => runner.broadcaster.broadcast('BeforeTransactionCommit'),
    committed: () => {
      set(0);
      return runner.broadcaster.broadcast('AfterTransactionCommit');
    },
    release: (isBroken) => {
      set(0);
      if (isBroken) void close(client);
      void release();
    },
  };
}

async function connect(runner: QueryRunner, signal: AbortSignal | undefined): Promise<ClientBase> {
  const coming: Promise<ClientBase> = runner.connect();
  try {
    return await untilAborted(coming, signal);
  } catch (error) {
    coming.then(
      () => runner.release(),
      () => {},
    );
    throw error;
  }
}

/** The pool takes back no connection that is ending. */
async function close(client: ClientBase): Promise<void> {
  const { end } = client as ClientBase & { end(): Promise<void> };
  await end.call(client).catch(() => {});
}

async function refuseRelease(): Promise<void> {
  throw new TenancyError(
    'STATEMENT_REFUSED',
    'release() has no place here: the connection goes back by itself when the work has ended.',
  );
}

function assertPostgres({ options }: DataSource): void {
  if (options.type === 'postgres') return;
  throw new TenancyError(
    'INVALID_OPTION',
    `The data source must be of type "postgres", not "${options.type}".`,
  );
}
