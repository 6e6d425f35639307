import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Operation, OperationActor, OperationError, OperationState } from './operation.types.js';
import { type OperationRow, toOperation } from './operation-row.js';

export interface NewOperation {
  readonly id: string;
  readonly kind: string;
  readonly subjectType: string;
  readonly subjectId: string | null;
  readonly firstStep: string | null;
  readonly maxAttempts: number;
  readonly deadlineSeconds: number;
  readonly input: Readonly<Record<string, unknown>>;
  readonly actor: OperationActor;
  /** The idempotency row of the request, if it has one. */
  readonly idempotency: { readonly principalId: string; readonly key: string } | null;
  /** Given, the operation starts out running under this lease; else it waits for a worker. */
  readonly lease: { readonly token: string; readonly seconds: number } | null;
}

export interface AcquiredOperation {
  readonly operation: Operation;
  readonly token: string;
  /** Until the deadline, by the clock of the control database; negative when it has passed. */
  readonly remainingMs: number;
}

export interface OperationFilter {
  readonly kind?: string;
  readonly state?: OperationState;
  readonly subjectId?: string;
  /** Only those that this key began. */
  readonly actorId?: string;
  readonly limit: number;
  /** The last row of the page before. */
  readonly after: { readonly createdAt: Date; readonly id: string } | null;
}

type Rows<T = OperationRow> = readonly T[];
type Updated<T = OperationRow> = readonly [Rows<T>, number];

/**
 * The subject's unfinished operation is looked for before the insert: the unique index alone would make the insert wait
 * for a transaction that is just ending that operation, while that one may wait for a row its caller holds. `created_at`
 * has milliseconds, as a cursor has.
 */
const INSERT = `
  WITH linked AS (
    UPDATE idempotency_keys SET operation_id = $1::uuid WHERE api_key_id = $10::text AND idempotency_key = $11::text
  )
  INSERT INTO operations (id, kind, subject_type, subject_id, step, max_attempts, deadline_at, input, actor,
    state, attempts, lease_token, lease_until, next_run_at, created_at, started_at)
  SELECT $1::uuid, $2::text, $3::text, $4::uuid, $5::text, $6::integer,
    clock_timestamp() + make_interval(secs => $7::float8), $8::jsonb, $9::jsonb,
    CASE WHEN leased THEN 'running' ELSE 'pending' END, leased::integer, $12::uuid,
    clock_timestamp() + make_interval(secs => $13::float8),
    clock_timestamp() + make_interval(secs => coalesce($13::float8, 0)),
    date_trunc('milliseconds', clock_timestamp()), CASE WHEN leased THEN clock_timestamp() END
  FROM (SELECT $12::uuid IS NOT NULL AS leased) AS lease
  WHERE NOT EXISTS (SELECT FROM operations WHERE subject_id = $4::uuid AND state IN ('pending', 'running'))
  RETURNING *`;

/** For a running operation `next_run_at` is the end of its lease, so that an expired lease is a due retry. */
const ACQUIRE = `
  WITH runnable AS MATERIALIZED (
    SELECT id FROM operations
    WHERE state IN ('pending', 'running') AND next_run_at <= now() AND kind = ANY ($1::text[])
    ORDER BY next_run_at LIMIT $2 FOR UPDATE SKIP LOCKED
  )
  UPDATE operations AS o
  SET state = 'running', attempts = o.attempts + 1, lease_token = gen_random_uuid(),
    lease_until = clock_timestamp() + make_interval(secs => $3::float8),
    next_run_at = clock_timestamp() + make_interval(secs => $3::float8),
    started_at = coalesce(o.started_at, clock_timestamp()), updated_at = clock_timestamp()
  FROM runnable WHERE o.id = runnable.id
  RETURNING o.*, extract(epoch FROM o.deadline_at - clock_timestamp())::float8 * 1000 AS remaining_ms`;

const RENEW = `
  UPDATE operations
  SET lease_until = clock_timestamp() + make_interval(secs => $3::float8),
    next_run_at = clock_timestamp() + make_interval(secs => $3::float8)
  WHERE id = $1 AND lease_token = $2 AND lease_until > clock_timestamp()`;

const RECORD_STEP = `
  UPDATE operations SET step = $3, progress = $4, updated_at = clock_timestamp()
  WHERE id = $1 AND lease_token = $2 RETURNING *`;

const POSTPONE = `
  UPDATE operations
  SET state = 'pending', error = $3::jsonb, lease_token = NULL, lease_until = NULL, updated_at = clock_timestamp(),
    next_run_at = clock_timestamp() + CASE WHEN cancel_requested THEN interval '0' ELSE make_interval(secs => $4::float8) END
  WHERE id = $1 AND lease_token = $2 RETURNING *`;

const HAND_OVER = `
  UPDATE operations
  SET state = 'pending', attempts = greatest(attempts - 1, 0), lease_token = NULL, lease_until = NULL,
    next_run_at = clock_timestamp(), updated_at = clock_timestamp()
  WHERE id = $1 AND lease_token = $2 RETURNING *`;

const SUCCEED = `
  UPDATE operations
  SET state = 'succeeded', progress = 100, result = $3::jsonb, error = NULL, lease_token = NULL, lease_until = NULL,
    finished_at = clock_timestamp(), updated_at = clock_timestamp()
  WHERE id = $1 AND lease_token = $2 RETURNING *`;

/** `lease_token IS NOT DISTINCT FROM` also ends a pending operation, which has no lease. */
const ABANDON = `
  UPDATE operations
  SET state = $3, error = $4::jsonb, cancel_requested = cancel_requested OR $3 = 'cancelled', lease_token = NULL,
    lease_until = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp()
  WHERE id = $1 AND lease_token IS NOT DISTINCT FROM $2::uuid AND state IN ('pending', 'running') RETURNING *`;

const REQUEST_CANCEL = `
  UPDATE operations SET cancel_requested = true, updated_at = clock_timestamp() WHERE id = $1 RETURNING *`;

const LIST = `
  SELECT * FROM operations
  WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR subject_id = $3)
    AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid)) AND ($7::text IS NULL OR actor ->> 'id' = $7)
  ORDER BY created_at DESC, id DESC LIMIT $6`;

/** The age is there for its index: nothing ends before it was made. */
const PURGE = `
  DELETE FROM operations
  WHERE state IN ('succeeded', 'failed', 'cancelled')
    AND created_at < now() - make_interval(days => $1)
    AND finished_at < now() - make_interval(days => $1)`;

/** Only SQL. What was done under a lease compares it: null means that somebody else has taken the operation over. */
@Injectable()
export class OperationRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Null when the subject has an unfinished operation. */
  async insert(tx: EntityManager, made: NewOperation): Promise<Operation | null> {
    const rows = await tx.query<Rows>(INSERT, [
      made.id,
      made.kind,
      made.subjectType,
      made.subjectId,
      made.firstStep,
      made.maxAttempts,
      made.deadlineSeconds,
      JSON.stringify(made.input),
      JSON.stringify(made.actor),
      made.idempotency?.principalId ?? null,
      made.idempotency?.key ?? null,
      made.lease?.token ?? null,
      made.lease?.seconds ?? null,
    ]);
    return first(rows);
  }

  async find(id: string): Promise<Operation | null> {
    return first(await this.dataSource.query<Rows>('SELECT * FROM operations WHERE id = $1', [id]));
  }

  async findLocked(tx: EntityManager, id: string): Promise<Operation | null> {
    return first(await tx.query<Rows>('SELECT * FROM operations WHERE id = $1 FOR UPDATE', [id]));
  }

  /** Newest first, up to `limit + 1`: the last one only tells that there is another page. */
  async list({ kind, state, subjectId, actorId, after, limit }: OperationFilter): Promise<Operation[]> {
    const keyset = [after?.createdAt ?? null, after?.id ?? null];
    const filters = [kind ?? null, state ?? null, subjectId ?? null];
    const rows = await this.dataSource.query<Rows>(LIST, [...filters, ...keyset, limit + 1, actorId ?? null]);
    return rows.map(toOperation);
  }

  async acquire(kinds: readonly string[], limit: number, leaseSeconds: number): Promise<AcquiredOperation[]> {
    type Acquired = OperationRow & { lease_token: string; remaining_ms: number };
    const [rows] = await this.dataSource.query<Updated<Acquired>>(ACQUIRE, [kinds, limit, leaseSeconds]);
    return rows.map((row) => ({
      operation: toOperation(row),
      token: row.lease_token,
      remainingMs: row.remaining_ms,
    }));
  }

  async renew(id: string, token: string, leaseSeconds: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<Updated>(RENEW, [id, token, leaseSeconds]);
    return count === 1;
  }

  recordStep(id: string, token: string, at: { step: string; progress: number }): Promise<Operation | null> {
    return this.update(this.dataSource.manager, RECORD_STEP, [id, token, at.step, at.progress]);
  }

  /** Gives the lease back; any worker tries again after the delay, or at once to cancel. */
  postpone(
    id: string,
    token: string,
    retry: { delayMs: number; error: OperationError },
  ): Promise<Operation | null> {
    const values = [id, token, JSON.stringify(retry.error), retry.delayMs / 1000];
    return this.update(this.dataSource.manager, POSTPONE, values);
  }

  /** Gives the lease back unused: the attempt does not count and any worker may go on at once. */
  handOver(id: string, token: string): Promise<Operation | null> {
    return this.update(this.dataSource.manager, HAND_OVER, [id, token]);
  }

  succeed(
    tx: EntityManager,
    id: string,
    token: string,
    result: Record<string, unknown> | null,
  ): Promise<Operation | null> {
    return this.update(tx, SUCCEED, [id, token, result && JSON.stringify(result)]);
  }

  /** `token` is null for an operation that is pending. */
  abandon(
    tx: EntityManager,
    id: string,
    token: string | null,
    end: { state: 'failed' | 'cancelled'; error: OperationError },
  ): Promise<Operation | null> {
    return this.update(tx, ABANDON, [id, token, end.state, JSON.stringify(end.error)]);
  }

  requestCancel(tx: EntityManager, id: string): Promise<Operation | null> {
    return this.update(tx, REQUEST_CANCEL, [id]);
  }

  async purge(days: number): Promise<number> {
    const [, count] = await this.dataSource.query<Updated>(PURGE, [days]);
    return count;
  }

  private async update(manager: EntityManager, sql: string, values: unknown[]): Promise<Operation | null> {
    const [rows] = await manager.query<Updated>(sql, values);
    return first(rows);
  }
}

function first(rows: Rows): Operation | null {
  return rows[0] ? toOperation(rows[0]) : null;
}
