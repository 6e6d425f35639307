import { Reply } from '../http/reply.js';
import { ApiEnvelope } from '../http/route.js';
import { isUnavailable } from '../infra/postgres/sqlstate.js';
import { RowhouseError } from '../kernel/errors.js';
import { OperationDto, toOperationDto } from './operation.dto.js';
import type { Operation } from './operation.types.js';
import { hasEnded } from './operation-state.js';

/** The resource when the operation was done in time, else the operation. */
export type OperationReply<T> = Reply<T | OperationDto>;

export interface ReplyOptions<T> {
  /** Whether the operation makes a new resource: 201 rather than 200. */
  readonly created: boolean;
  /** Reads the resource as the operation left it. */
  readonly resource: () => Promise<T>;
  /** What a client would otherwise miss when it is not done in time, such as credentials that are shown once. */
  readonly pending?: () => object;
}

/** The answer of a route that ran an operation. Throws the operation's error when it failed or was cancelled. */
export async function toReply<T>(operation: Operation, options: ReplyOptions<T>): Promise<OperationReply<T>> {
  if (!hasEnded(operation)) return toAccepted(operation, options.pending?.());
  if (operation.state === 'succeeded') return toSucceeded(operation, options);
  const { code, message } = operation.error ?? { code: 'OPERATION_FAILED', message: 'The operation failed.' };
  throw new RowhouseError(code, message);
}

/** What was made is there even where it cannot be read at the moment: a 503 would invite to make it again. */
async function toSucceeded<T>(operation: Operation, options: ReplyOptions<T>): Promise<OperationReply<T>> {
  try {
    return new Reply(options.created ? 201 : 200, await options.resource());
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return toAccepted(operation, options.pending?.());
  }
}

/** 202: the operation is recorded, and this is where to follow it. */
export function toAccepted(operation: Operation, extra: object = {}): Reply<OperationDto> {
  return new Reply(
    202,
    { ...toOperationDto(operation), ...extra },
    {
      message: hasEnded(operation) ? 'The operation has ended.' : 'The operation goes on.',
      headers: { location: `/api/operations/${operation.id}` },
    },
  );
}

/** Describes the 202 of a route that runs an operation. */
export function ApiAccepted(): MethodDecorator {
  return ApiEnvelope(OperationDto, { status: 202 });
}
