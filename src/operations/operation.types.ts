import type { EntityManager } from 'typeorm';
import type { ErrorCode } from '../kernel/errors.js';
import type { TransitionTable } from '../kernel/transitions.js';

export type OperationState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export const OPERATION_TRANSITIONS: TransitionTable<OperationState> = {
  pending: ['running', 'cancelled', 'failed'],
  running: ['pending', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** What a client may know of a failure. */
export interface OperationError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A durable record of work. `input` and `result` never hold a secret. */
export interface Operation<Input = Readonly<Record<string, unknown>>> {
  readonly id: string;
  readonly kind: string;
  readonly subjectType: string;
  readonly subjectId: string | null;
  readonly state: OperationState;
  readonly step: string | null;
  readonly progress: number;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly deadlineAt: Date;
  readonly cancelRequested: boolean;
  readonly input: Input;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: OperationError | null;
  readonly actor: OperationActor;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface OperationActor {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly requestId: string;
  readonly address: string | null;
}

/** What a step gets. */
export interface StepContext<Input = Readonly<Record<string, unknown>>> {
  readonly operation: Operation<Input>;
  /** Aborts when the lease is lost, the deadline passes or the process stops. */
  readonly signal: AbortSignal;
}

/** One step: it looks first and acts second, so that running it twice ends in the same state. */
export interface OperationStep<Input = Readonly<Record<string, unknown>>> {
  readonly name: string;
  /** Whether this operation has it at all; without this every operation has. */
  isNeeded?(operation: Operation<Input>): boolean;
  run(context: StepContext<Input>): Promise<void>;
}

/** What may last for hours, and what waits for other operations, leaves them and the short ones their room. */
export type OperationLane = 'short' | 'long' | 'waiting' | 'dropping';

/** What a kind of operation does. Handlers live above the engine and register with it at boot. */
export interface OperationHandler<Input = Readonly<Record<string, unknown>>> {
  readonly kind: string;
  readonly maxAttempts: number;
  readonly deadlineSeconds: number;
  /** Whether a server that is away is waited for (retry with backoff) or ends the operation at once. */
  readonly whenUnavailable: 'retry' | 'fail';
  /** With whom it shares the room that a worker has; with the short ones by default. */
  readonly lane?: OperationLane;
  readonly steps: readonly OperationStep<Input>[];
  /** Runs in the control transaction that marks the operation succeeded. Returns what `result` shall hold. */
  succeed(tx: EntityManager, operation: Operation<Input>): Promise<Record<string, unknown> | null>;
  /** Runs in the control transaction that marks the operation failed or cancelled. May enqueue an operation that clears up. */
  fail(tx: EntityManager, operation: Operation<Input>, error: OperationError): Promise<void>;
}
