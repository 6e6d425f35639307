import type { Operation, OperationActor, OperationError, OperationState } from './operation.types.js';

/** A row of `operations` as PostgreSQL gives it. */
export interface OperationRow {
  readonly id: string;
  readonly kind: string;
  readonly subject_type: string;
  readonly subject_id: string | null;
  readonly state: OperationState;
  readonly step: string | null;
  readonly progress: number;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly deadline_at: Date;
  readonly cancel_requested: boolean;
  readonly input: Record<string, unknown>;
  readonly result: Record<string, unknown> | null;
  readonly error: OperationError | null;
  readonly actor: OperationActor;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

export function toOperation(row: OperationRow): Operation {
  return {
    id: row.id,
    kind: row.kind,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    state: row.state,
    step: row.step,
    progress: row.progress,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    deadlineAt: row.deadline_at,
    cancelRequested: row.cancel_requested,
    input: row.input,
    result: row.result,
    error: row.error,
    actor: row.actor,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
