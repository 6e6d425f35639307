import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { PROBLEM_CONTENT_TYPE } from './problem.js';
import { RouteTable } from './route-table.js';
import { renderProblem, toRowhouseError } from './to-problem.js';

/** Answers every error as a problem, and logs those that are not the client's. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  constructor(private readonly routes: RouteTable) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.toProblem(error, request);
    if (problem.status >= 500) this.report(problem, request);
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.end();
      return;
    }
    sendProblem(reply, problem, request.id);
  }

  /** A request for no route may also have failed before that was of interest, such as for its rate limit. */
  private toProblem(error: unknown, request: FastifyRequest): RowhouseError {
    const problem = toRowhouseError(error);
    if (!request.is404 || problem.code !== 'NOT_FOUND') return problem;
    return this.wrongMethod(request) ?? problem;
  }

  private wrongMethod(request: FastifyRequest): RowhouseError | null {
    const allowed = this.routes.methodsOf(request.url);
    if (allowed.length === 0) return null;
    return new RowhouseError('METHOD_NOT_ALLOWED', `This resource takes ${allowed.join(', ')}.`, {
      headers: { Allow: allowed.join(', ') },
    });
  }

  private report(problem: RowhouseError, request: FastifyRequest): void {
    const fields = {
      msg: `${request.method} ${request.routeOptions.url ?? ''} failed: ${problem.code}`,
      request_id: request.id,
      err: problem.code === 'INTERNAL' ? (problem.cause ?? problem) : problem,
    };
    if (problem.status === 503) this.logger.warn(fields);
    else this.logger.error(fields);
  }
}

export function sendProblem(reply: FastifyReply, error: RowhouseError, requestId: string): void {
  reply
    .status(error.status)
    .headers({ ...error.headers })
    .type(PROBLEM_CONTENT_TYPE)
    .send(JSON.stringify(renderProblem(error, requestId)));
}
