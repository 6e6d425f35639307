import { Body, Controller, Delete, Get, Patch, Post, Query } from '@nestjs/common';
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
  TenantFiltered,
  TenantRoute,
  UuidParam,
} from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { ConnectionStringsQuery, RotateCredentialsDto } from '../databases/dto/requests.dto.js';
import { CloneTenantDto, CreateTenantDto, ListTenantsQuery, PatchTenantDto } from './dto/requests.dto.js';
import {
  DeletedTenantDto,
  RotatedTenantCredentialsDto,
  TenantConnectionDto,
  TenantCredentialsOperationDto,
  TenantDto,
  TenantWithPasswordDto,
} from './dto/tenant.dto.js';
import { TenantLifecycleService } from './tenant-lifecycle.service.js';
import { TenantSettingsService } from './tenant-settings.service.js';
import { TenantsReader } from './tenants.reader.js';
import { TenantsService } from './tenants.service.js';

@ApiTags('Tenants')
@Controller('tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly reader: TenantsReader,
    private readonly settings: TenantSettingsService,
    private readonly lifecycle: TenantLifecycleService,
  ) {}

  @Post()
  @RequireScope('tenants:write')
  @Summary(
    'Create a tenant',
    'In a schema of a hosting database, which Rowhouse chooses or makes, or with a database of its own. The password is whole in this answer only.',
  )
  @ApiEnvelope(TenantWithPasswordDto, { status: 201 })
  @ApiAccepted(TenantCredentialsOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'NO_ROOM', 'SERVICE_UNAVAILABLE')
  createTenant(
    @Context() context: RequestContext,
    @Body() dto: CreateTenantDto,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    return this.tenants.create(context, dto);
  }

  @Get()
  @RequireScope('tenants:read')
  @TenantFiltered()
  @Summary('List tenants', 'Newest first.')
  @ApiPage(TenantDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listTenants(
    @Context() context: RequestContext,
    @Query() query: ListTenantsQuery,
  ): Promise<Page<TenantDto>> {
    return this.reader.list(context, query);
  }

  @Get(':id')
  @RequireScope('tenants:read')
  @TenantRoute()
  @Summary('Get a tenant')
  @ApiEnvelope(TenantDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getTenant(@UuidParam() id: string): Promise<TenantDto> {
    return this.reader.get(id);
  }

  @Patch(':id')
  @RequireScope('tenants:write')
  @TenantRoute()
  @Summary(
    'Change a tenant',
    'What is left out stays as it is. A new slug changes neither schema, login nor data. Limits hold for new connections.',
  )
  @ApiEnvelope(TenantDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  updateTenant(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchTenantDto,
  ): Promise<OperationReply<TenantDto>> {
    return this.settings.patch(context, id, dto);
  }

  @Delete(':id')
  @RequireScope('tenants:delete')
  @TenantRoute()
  @Summary(
    'Delete a tenant',
    'With its data and its login. It cannot be undone. Its schema name is never given again.',
  )
  @ApiEnvelope(DeletedTenantDto)
  @ApiAccepted()
  @ApiProblems(
    'VALIDATION_FAILED',
    'NOT_FOUND',
    'DELETION_PROTECTED',
    'OWNERSHIP_MISMATCH',
    'RESOURCE_BUSY',
    'SERVICE_UNAVAILABLE',
  )
  deleteTenant(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DeletedTenantDto>> {
    return this.lifecycle.delete(context, id);
  }

  @Post(':id/suspend')
  @RequireScope('tenants:write')
  @TenantRoute()
  @Summary(
    'Suspend a tenant',
    "Its login is refused on both ports at once, the host's `_app` role may not work in it, and live sessions end; the data stays.",
  )
  @ApiEnvelope(TenantDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  suspendTenant(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<TenantDto>> {
    return this.lifecycle.suspend(context, id);
  }

  @Post(':id/resume')
  @RequireScope('tenants:write')
  @TenantRoute()
  @Summary('Resume a suspended tenant')
  @ApiEnvelope(TenantDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  resumeTenant(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<TenantDto>> {
    return this.lifecycle.resume(context, id);
  }

  @Post(':id/clone')
  @RequireScope('tenants:write')
  @Summary(
    'Clone a tenant',
    'A new tenant beside this one, of the same isolation, limits, template, whitelist and, in a database of its own, extensions; with its rows if asked for. Roles, keys, metadata and users stay with the source. The password is whole in this answer only.',
  )
  @ApiEnvelope(TenantWithPasswordDto, { status: 201 })
  @ApiAccepted(TenantCredentialsOperationDto)
  @ApiProblems(
    'VALIDATION_FAILED',
    'NOT_FOUND',
    'CONFLICT',
    'NO_ROOM',
    'RESOURCE_BUSY',
    'SERVICE_UNAVAILABLE',
  )
  cloneTenant(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: CloneTenantDto,
  ): Promise<OperationReply<TenantWithPasswordDto>> {
    return this.tenants.clone(context, id, dto);
  }

  @Get(':id/connection-strings')
  @RequireScope('tenants:read')
  @TenantRoute()
  @Summary(
    'Get the connection strings',
    'Masked, or whole with `reveal=true` and the scope `credentials:read`.',
  )
  @ApiEnvelope(TenantConnectionDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  getTenantConnectionStrings(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Query() query: ConnectionStringsQuery,
  ): Promise<TenantConnectionDto> {
    return this.reader.connectionStrings(context, id, query);
  }

  @Post(':id/rotate-credentials')
  @RequireScope('credentials:rotate')
  @TenantRoute()
  @Summary(
    'Rotate the password',
    'Without graceSeconds the old one is refused at once on both ports; sessions live on unless `endSessions`. With it, a second user name takes over, and the old login works until the grace ends, so that no client fails while they are switched one by one.',
  )
  @ApiEnvelope(RotatedTenantCredentialsDto)
  @ApiAccepted(TenantCredentialsOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  rotateTenantCredentials(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: RotateCredentialsDto,
  ): Promise<OperationReply<RotatedTenantCredentialsDto>> {
    return this.lifecycle.rotateCredentials(context, id, dto);
  }
}
