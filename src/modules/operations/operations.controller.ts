import { Controller, Get, Header, Post, Query, type StreamableFile } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import {
  ApiEnvelope,
  ApiPage,
  ApiProblems,
  Context,
  RequireScope,
  Summary,
  TenantFiltered,
  UuidParam,
} from '../../http/route.js';
import { OperationDto } from '../../operations/operation.dto.js';
import { ApiAccepted } from '../../operations/operation-reply.js';
import { ListOperationsQuery } from './list-operations.query.js';
import { OperationsApiService } from './operations-api.service.js';

const EXAMPLE_STREAM =
  'event: state\ndata: {"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","state":"running", …}\n\n';

@ApiTags('Operations')
@Controller('operations')
@TenantFiltered()
export class OperationsController {
  constructor(private readonly operations: OperationsApiService) {}

  @Get()
  @RequireScope('operations:read')
  @Summary('List operations', 'The newest first.')
  @ApiPage(OperationDto)
  listOperations(
    @Context() context: RequestContext,
    @Query() query: ListOperationsQuery,
  ): Promise<Page<OperationDto>> {
    return this.operations.list(context, query);
  }

  @Get(':id')
  @RequireScope('operations:read')
  @Summary('Get an operation')
  @ApiEnvelope(OperationDto)
  @ApiProblems('NOT_FOUND')
  getOperation(@Context() context: RequestContext, @UuidParam() id: string): Promise<OperationDto> {
    return this.operations.get(context, id);
  }

  @Get(':id/events')
  @Header('X-Accel-Buffering', 'no')
  @RequireScope('operations:read')
  @Summary(
    'Follow an operation',
    'Server-sent events: `state` and `progress` with the operation as JSON, then `end`, after which the stream closes.',
  )
  @ApiResponse({
    status: 200,
    description: 'The stream, until the operation has ended',
    content: { 'text/event-stream': { schema: { type: 'string' }, example: EXAMPLE_STREAM } },
  })
  @ApiProblems('NOT_FOUND')
  followOperation(@Context() context: RequestContext, @UuidParam() id: string): Promise<StreamableFile> {
    return this.operations.follow(context, id);
  }

  @Post(':id/cancel')
  @RequireScope('operations:cancel')
  @Summary(
    'Cancel an operation',
    'A running one stops before its next step; what it has made is removed again.',
  )
  @ApiEnvelope(OperationDto, { description: 'Cancelled' })
  @ApiAccepted()
  @ApiProblems('NOT_FOUND', 'CONFLICT')
  cancelOperation(@Context() context: RequestContext, @UuidParam() id: string): Promise<Reply<OperationDto>> {
    return this.operations.cancel(context, id);
  }
}
