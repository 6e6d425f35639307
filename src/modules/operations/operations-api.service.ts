import { Injectable, StreamableFile } from '@nestjs/common';
import { Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { type OperationDto, toOperationDto } from '../../operations/operation.dto.js';
import { toAccepted } from '../../operations/operation-reply.js';
import { hasEnded } from '../../operations/operation-state.js';
import { OperationsService } from '../../operations/operations.service.js';
import { toEventStream } from './event-stream.js';
import type { ListOperationsQuery } from './list-operations.query.js';

/** Operations as the API shows them. */
@Injectable()
export class OperationsApiService {
  constructor(private readonly operations: OperationsService) {}

  async list(query: ListOperationsQuery): Promise<Page<OperationDto>> {
    const page = await this.operations.list(query);
    return new Page(page.items.map(toOperationDto), page.nextCursor);
  }

  async get(id: string): Promise<OperationDto> {
    return toOperationDto(await this.operations.get(id));
  }

  async follow(id: string): Promise<StreamableFile> {
    await this.operations.get(id);
    const stream = toEventStream((signal) => this.operations.watch(id, signal));
    return new StreamableFile(stream, { type: 'text/event-stream' });
  }

  async cancel(context: RequestContext, id: string): Promise<Reply<OperationDto>> {
    const operation = await this.operations.cancel(context, id);
    return hasEnded(operation) ? new Reply(200, toOperationDto(operation)) : toAccepted(operation);
  }
}
