import { quoteIdentifier } from '../kernel/identifiers.js';
import { TenancyError } from './tenancy-error.js';

const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable'] as const;

export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

export interface TenantOptions {
  /** Begins the transaction READ ONLY. A nested use may ask for it inside one that writes, not the other way round. */
  readonly readOnly?: boolean;
  /** Default: that of the login. A nested use runs in the level of the outermost. */
  readonly isolationLevel?: IsolationLevel;
  /** `statement_timeout` of the transaction in milliseconds; 0 is none. Default: that of the login. */
  readonly statementTimeoutMs?: number;
  /** Gives up waiting for a connection, or cancels the running query and rolls back; not once COMMIT was sent. */
  readonly signal?: AbortSignal;
  /**
   * Inside the transaction of another tenant: `refuse` (default), or `separate` for a transaction of its own on a second
   * connection, which sees nothing that the outer one has not committed.
   */
  readonly insideAnother?: 'refuse' | 'separate';
}

export function assertTenant(tenant: string): void {
  if (typeof tenant === 'string' && /^[a-z][a-z0-9_]{0,62}$/.test(tenant)) return;
  throw new TenancyError(
    'INVALID_TENANT',
    `${JSON.stringify(tenant)} is no tenant: take the name of its schema, such as "tenant_0001".`,
  );
}

export function assertOptions({ isolationLevel, statementTimeoutMs }: TenantOptions): void {
  if (isolationLevel !== undefined && !ISOLATION_LEVELS.includes(isolationLevel)) {
    throw new TenancyError('INVALID_OPTION', `isolationLevel must be one of ${ISOLATION_LEVELS.join(', ')}.`);
  }
  const isTimeout = statementTimeoutMs === undefined || isMilliseconds(statementTimeoutMs);
  if (!isTimeout)
    throw new TenancyError(
      'INVALID_OPTION',
      'statementTimeoutMs must be a whole number from 0 to 2147483647.',
    );
}

export function assertNestable({ isolationLevel, readOnly }: TenantOptions, outer: TenantOptions): void {
  if (isolationLevel !== undefined && isolationLevel !== outer.isolationLevel) {
    throw new TenancyError(
      'INVALID_OPTION',
      'A nested use runs in the isolation level of the outermost one.',
    );
  }
  if (readOnly === false && outer.readOnly) {
    throw new TenancyError('INVALID_OPTION', 'A nested use cannot write inside a read-only transaction.');
  }
}

/**
 * Begins a tenant's transaction in one message, so that no pooler can put another connection between the parts. Besides
 * role and search_path it clears what an earlier user of the connection may have left and what carries rows across:
 * cursors WITH HOLD, temporary tables and LISTEN. All of it ends with the transaction or takes something away; nothing
 * stays behind.
 */
export function beginTenant(tenant: string, options: TenantOptions): string {
  const name = quoteIdentifier(tenant);
  const { isolationLevel, readOnly, statementTimeoutMs } = options;
  const begin = ['BEGIN', isolationLevel && `ISOLATION LEVEL ${isolationLevel}`, readOnly && 'READ ONLY'];
  return [
    begin.filter(Boolean).join(' '),
    'CLOSE ALL',
    'DISCARD TEMP',
    'UNLISTEN *',
    `SET LOCAL ROLE ${name}`,
    `SET LOCAL search_path = ${name}, shared, public, pg_temp`,
    ...timeoutSetting(statementTimeoutMs),
  ].join('; ');
}

/** Begins a nested use. READ ONLY inside a savepoint ends with it (PostgreSQL manual, SET TRANSACTION). */
export function beginNested(savepoint: string, { readOnly, statementTimeoutMs }: TenantOptions): string {
  return [
    `SAVEPOINT ${savepoint}`,
    ...(readOnly ? ['SET TRANSACTION READ ONLY'] : []),
    ...timeoutSetting(statementTimeoutMs),
  ].join('; ');
}

/** A timeout set inside a savepoint outlives its release, so the outer one is set again. */
export function endNested(savepoint: string, nested: TenantOptions, outer: TenantOptions): string {
  const isChanged = nested.statementTimeoutMs !== undefined;
  const timeout = outer.statementTimeoutMs ?? 'DEFAULT';
  return `RELEASE SAVEPOINT ${savepoint}${isChanged ? `; SET LOCAL statement_timeout = ${timeout}` : ''}`;
}

function timeoutSetting(milliseconds: number | undefined): string[] {
  return milliseconds === undefined ? [] : [`SET LOCAL statement_timeout = ${milliseconds}`];
}

function isMilliseconds(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 2_147_483_647;
}
