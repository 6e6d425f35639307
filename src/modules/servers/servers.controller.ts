import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import {
  ApiEnvelope,
  ApiPage,
  ApiProblems,
  Context,
  RequireScope,
  Summary,
  UuidParam,
} from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { ReconcileServerDto, ReconciliationReportDto } from './reconciliation.dto.js';
import { ServerDto } from './server.dto.js';
import { ServersService } from './servers.service.js';

@ApiTags('Servers')
@Controller('servers')
export class ServersController {
  constructor(private readonly servers: ServersService) {}

  @Get()
  @RequireScope('servers:read')
  @Summary('List servers')
  @ApiPage(ServerDto)
  listServers(): Page<ServerDto> {
    return this.servers.list();
  }

  @Get(':id')
  @RequireScope('servers:read')
  @Summary('Get a server')
  @ApiEnvelope(ServerDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getServer(@UuidParam() id: string): ServerDto {
    return this.servers.get(id);
  }

  @Post(':id/reconcile')
  @RequireScope('servers:reconcile')
  @Summary(
    'Compare a server with what Rowhouse knows',
    'Reports what was forgotten, is missing or has drifted. With `repair`, mends roles, grants, limits and pooler entries. Nothing is ever dropped.',
  )
  @ApiEnvelope(ReconciliationReportDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  reconcileServer(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: ReconcileServerDto,
  ): Promise<OperationReply<ReconciliationReportDto>> {
    return this.servers.reconcile(context, id, dto);
  }
}
