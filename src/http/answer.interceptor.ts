import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** Both as one, idempotency around the envelope: each that Nest knows of costs every request. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: IdempotencyInterceptor,
    private readonly envelope: EnvelopeInterceptor,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.idempotency.intercept(context, { handle: () => this.envelope.intercept(context, next) });
  }
}
