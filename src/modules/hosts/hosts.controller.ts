import { Body, Controller, Get, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../http/request-context.js';
import { ApiEnvelope, ApiProblems, Context, RequireScope, Summary, UuidParam } from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import {
  HostDatabaseDto,
  HostDto,
  HostQuery,
  PatchHostDto,
  RotateHostCredentialsDto,
} from './dto/host.dto.js';
import { HostsService } from './hosts.service.js';

@ApiTags('Hosts')
@Controller('databases/:id/host')
export class HostsController {
  constructor(private readonly hosts: HostsService) {}

  @Post()
  @RequireScope('hosts:write')
  @Summary(
    'Make a database a tenant host',
    'Adds the schema `shared` and the roles `_app` and `_readonly`, whose passwords are whole in this answer only. The data that is there stays.',
  )
  @ApiEnvelope(HostDto, { status: 201 })
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  hostTenants(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: HostDatabaseDto,
  ): Promise<OperationReply<HostDto>> {
    return this.hosts.create(context, id, dto);
  }

  @Get()
  @RequireScope('hosts:read')
  @Summary('Get a tenant host', 'With its shared logins, masked unless `reveal=true`.')
  @ApiEnvelope(HostDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  getHost(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Query() query: HostQuery,
  ): Promise<HostDto> {
    return this.hosts.get(context, id, query);
  }

  @Patch()
  @RequireScope('hosts:write')
  @Summary('Change how many tenants a host may hold')
  @ApiEnvelope(HostDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  updateHost(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchHostDto,
  ): Promise<HostDto> {
    return this.hosts.patch(context, id, dto);
  }

  @Post('rotate-credentials')
  @RequireScope('credentials:rotate')
  @Summary("Rotate the password of a host's `_app` or `_readonly` role", 'Pooled sessions of the host end.')
  @ApiEnvelope(HostDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  rotateHostCredentials(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: RotateHostCredentialsDto,
  ): Promise<OperationReply<HostDto>> {
    return this.hosts.rotate(context, id, dto);
  }
}
