import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  StreamableFile,
} from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { parsePrefer } from './prefer.js';
import { Page, Reply } from './reply.js';
import { RAW_ANSWER } from './route.js';

/** Wraps what a route returns as `{"success": true, …}`. Streams and raw answers pass as they are. */
@Injectable()
export class EnvelopeInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handler = context.getHandler();
    if (this.reflector.get(RAW_ANSWER, handler) || Reflect.getMetadata(SSE_METADATA, handler))
      return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    return next.handle().pipe(map((answer) => envelop(answer, request, http.getResponse<FastifyReply>())));
  }
}

function envelop(answer: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  if (answer instanceof StreamableFile) return answer;
  acknowledgePreference(request, reply);
  if (answer instanceof Reply) {
    const { message, headers = {} } = answer.options;
    reply.status(answer.status).headers({ ...headers });
    return { success: true, ...(message === undefined ? {} : { message }), data: answer.data ?? null };
  }
  reply.status(200);
  if (!(answer instanceof Page)) return { success: true, data: answer ?? null };
  reply.headers({ ...answer.headers });
  return { success: true, data: answer.items, count: answer.items.length, next_cursor: answer.nextCursor };
}

function acknowledgePreference({ method, headers }: FastifyRequest, reply: FastifyReply): void {
  if (method === 'GET' || headers['prefer'] === undefined) return;
  const { applied } = parsePrefer(headers['prefer']);
  if (applied !== null) reply.header('Preference-Applied', applied);
}
