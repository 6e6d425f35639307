import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, concatMap, from, type Observable, switchMap, throwError } from 'rxjs';
import { RowhouseError } from '../kernel/errors.js';
import { findIdempotentRequest } from './idempotency.request.js';
import { type IdempotencyState, IdempotencyStore, type IdempotentRequest } from './idempotency.store.js';
import { OperationAnswers } from './operation-answers.js';
import { requestContext } from './request-state.js';
import { ANSWERS_WITHIN } from './route.js';

/** How much longer than the client waits a key stays with a request that nobody hears of again. */
const LOCK_MARGIN_MS = 30_000;
const REPLAYED_HEADER = 'Idempotent-Replayed';
const KEPT_HEADERS = ['etag', 'location', 'preference-applied'];

/** Makes a POST with an Idempotency-Key happen once: the first answer is given again. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Idempotency');

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
    const lockMs = this.longestAnswerMs(context, request) + LOCK_MARGIN_MS;
    return from(this.store.claim(idempotent, lockMs)).pipe(
      switchMap((state) =>
        state.kind === 'claimed'
          ? this.perform(idempotent, state.fence, next, reply)
          : from(this.answerAgain(state, reply)),
      ),
    );
  }

  private longestAnswerMs(context: ExecutionContext, request: FastifyRequest): number {
    const declared = this.reflector.get<number | undefined>(ANSWERS_WITHIN, context.getHandler());
    return Math.max(requestContext(request).waitMs, declared ?? 0);
  }

  private perform(request: IdempotentRequest, fence: string, next: CallHandler, reply: FastifyReply) {
    return next.handle().pipe(
      catchError((error: unknown) =>
        from(this.release(request, fence)).pipe(switchMap(() => throwError(() => error))),
      ),
      concatMap((body: unknown) => from(this.keep(request, fence, body, reply))),
    );
  }

  private async answerAgain(state: Exclude<IdempotencyState, { kind: 'claimed' }>, reply: FastifyReply) {
    if (state.kind === 'reused') throw reused();
    if (state.kind === 'in-use') throw inUse();
    const answer = state.kind === 'answered' ? state.answer : await this.operations.get(state.operationId);
    reply.status(answer.status).headers({ ...answer.headers, [REPLAYED_HEADER]: 'true' });
    return answer.body;
  }

  /** The work is done: when its answer cannot be kept, the client gets it nevertheless. */
  private async keep(
    request: IdempotentRequest,
    fence: string,
    body: unknown,
    reply: FastifyReply,
  ): Promise<unknown> {
    const answer = { status: reply.statusCode, headers: keptHeaders(reply), body };
    await this.store
      .keep(request, fence, answer)
      .catch((error) => this.logger.warn('An answer could not be kept for its Idempotency-Key', error));
    return body;
  }

  private async release(request: IdempotentRequest, fence: string): Promise<void> {
    await this.store
      .release(request, fence)
      .catch((error) => this.logger.warn('An Idempotency-Key stays in use until its lock expires', error));
  }
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

function inUse(): RowhouseError {
  return new RowhouseError(
    'IDEMPOTENCY_KEY_IN_USE',
    'The first request with this Idempotency-Key has not been answered yet; ask again later.',
    { headers: { 'Retry-After': '1' } },
  );
}
