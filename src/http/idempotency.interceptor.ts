import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, concatMap, finalize, from, type Observable, switchMap, throwError } from 'rxjs';
import { RowhouseError } from '../kernel/errors.js';
import { IdempotencyLease } from './idempotency.lease.js';
import { findIdempotentRequest } from './idempotency.request.js';
import {
  type IdempotencyState,
  IdempotencyStore,
  type IdempotentRequest,
  LEASE_MS,
} from './idempotency.store.js';
import { OperationAnswers } from './operation-answers.js';
import { OUTLIVES_PROCESS } from './route.js';

const REPLAYED_HEADER = 'Idempotent-Replayed';
const KEPT_HEADERS = ['etag', 'location', 'preference-applied'];

/** Makes a POST with an Idempotency-Key happen once: the first answer is given again. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Idempotency');
  /** Nobody takes the key of a request that runs here, however long its lock could not be renewed. */
  private readonly running = new Set<string>();

  constructor(
    private readonly store: IdempotencyStore,
    private readonly operations: OperationAnswers,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const idempotent = findIdempotentRequest(request);
    if (!idempotent) return next.handle();
    const outlivesMs = this.reflector.get<number | undefined>(OUTLIVES_PROCESS, context.getHandler());
    const leaseMs = LEASE_MS + (outlivesMs ?? 0);
    return from(this.claim(idempotent, leaseMs)).pipe(
      switchMap((state) =>
        state.kind === 'claimed'
          ? this.perform(idempotent, this.leaseOf(idempotent, state.holder, leaseMs), { next, reply })
          : from(this.answerAgain(state, reply)),
      ),
    );
  }

  private claim(request: IdempotentRequest, leaseMs: number): Promise<IdempotencyState> {
    if (this.running.has(nameOf(request))) return Promise.resolve({ kind: 'in-use', secondsLeft: 0 });
    return this.store.claim(request, leaseMs);
  }

  private leaseOf(request: IdempotentRequest, holder: string, leaseMs: number): IdempotencyLease {
    return new IdempotencyLease(this.store, request, holder, leaseMs);
  }

  private perform(
    request: IdempotentRequest,
    lease: IdempotencyLease,
    { next, reply }: { next: CallHandler; reply: FastifyReply },
  ) {
    this.running.add(nameOf(request));
    return next.handle().pipe(
      catchError((error: unknown) => from(lease.release()).pipe(switchMap(() => throwError(() => error)))),
      concatMap((body: unknown) => from(this.keep(request, lease.holder, body, reply))),
      finalize(() => {
        lease.close();
        this.running.delete(nameOf(request));
      }),
    );
  }

  private async answerAgain(state: Exclude<IdempotencyState, { kind: 'claimed' }>, reply: FastifyReply) {
    if (state.kind === 'reused') throw reused();
    if (state.kind === 'in-use') throw inUse(state.secondsLeft);
    const answer = state.kind === 'answered' ? state.answer : await this.operations.get(state.operationId);
    reply.status(answer.status).headers({ ...answer.headers, [REPLAYED_HEADER]: 'true' });
    return answer.body;
  }

  /** The work is done: when its answer cannot be kept, the client gets it nevertheless. */
  private async keep(
    request: IdempotentRequest,
    holder: string,
    body: unknown,
    reply: FastifyReply,
  ): Promise<unknown> {
    const answer = { status: reply.statusCode, headers: keptHeaders(reply), body };
    await this.store
      .keep(request, holder, answer)
      .catch((error) => this.logger.warn('An answer could not be kept for its Idempotency-Key', error));
    return body;
  }
}

function nameOf({ apiKeyId, key }: IdempotentRequest): string {
  return `${apiKeyId} ${key}`;
}

function keptHeaders(reply: FastifyReply): Record<string, string> {
  const present = KEPT_HEADERS.filter((name) => reply.hasHeader(name));
  return Object.fromEntries(present.map((name) => [name, String(reply.getHeader(name))]));
}

function reused(): RowhouseError {
  return new RowhouseError(
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used with another route or body; send a new key with a new request.',
  );
}

/** A request that still runs may end at any moment; one whose process died gives its key back with its lock. */
function inUse(secondsLeft: number): RowhouseError {
  return new RowhouseError(
    'IDEMPOTENCY_KEY_IN_USE',
    'The first request with this Idempotency-Key has not been answered yet; ask again later.',
    { headers: { 'Retry-After': String(Math.max(1, Math.ceil(secondsLeft))) } },
  );
}
