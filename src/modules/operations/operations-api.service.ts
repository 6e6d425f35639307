import { Injectable, StreamableFile } from '@nestjs/common';
import { Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { notFound } from '../../kernel/errors.js';
import { type OperationDto, toOperationDto } from '../../operations/operation.dto.js';
import type { Operation } from '../../operations/operation.types.js';
import { toAccepted } from '../../operations/operation-reply.js';
import { hasEnded } from '../../operations/operation-state.js';
import { OperationsService } from '../../operations/operations.service.js';
import { toEventStream } from './event-stream.js';
import type { ListOperationsQuery } from './list-operations.query.js';

/** Operations as the API shows them. */
@Injectable()
export class OperationsApiService {
  constructor(private readonly operations: OperationsService) {}

  async list({ principal }: RequestContext, query: ListOperationsQuery): Promise<Page<OperationDto>> {
    const own = principal.tenantIds === null ? {} : { actorId: principal.id };
    const page = await this.operations.list({ ...query, ...own });
    return new Page(page.items.map(toOperationDto), page.nextCursor);
  }

  async get(context: RequestContext, id: string): Promise<OperationDto> {
    return toOperationDto(await this.getVisible(context, id));
  }

  async follow(context: RequestContext, id: string): Promise<StreamableFile> {
    await this.getVisible(context, id);
    const stream = toEventStream((signal) => this.operations.watch(id, signal));
    return new StreamableFile(stream, { type: 'text/event-stream' });
  }

  async cancel(context: RequestContext, id: string): Promise<Reply<OperationDto>> {
    await this.getVisible(context, id);
    const operation = await this.operations.cancel(context, id);
    return hasEnded(operation) ? new Reply(200, toOperationDto(operation)) : toAccepted(operation);
  }

  /** A tenant-bound key sees what it began itself, which was about its own tenants. */
  private async getVisible({ principal }: RequestContext, id: string): Promise<Operation> {
    const operation = await this.operations.get(id);
    if (principal.tenantIds !== null && operation.actor.id !== principal.id) throw notFound('operation', id);
    return operation;
  }
}
