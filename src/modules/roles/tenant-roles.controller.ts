import { Body, Controller, Delete, Get, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ListQuery } from '../../http/pagination.js';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import {
  ApiEnvelope,
  ApiPage,
  ApiProblems,
  Context,
  RequireScope,
  Summary,
  TenantRoute,
  UuidParam,
} from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { CreateRoleDto, PatchRoleDto, RevealQuery, RotateRoleDto } from './dto/requests.dto.js';
import { DeletedRoleDto, RoleDto, RoleOperationDto, RoleWithPasswordDto } from './dto/role.dto.js';
import { RolesReader } from './roles.reader.js';
import { RolesService } from './roles.service.js';

@ApiTags('Tenants')
@Controller('tenants/:id/roles')
export class TenantRolesController {
  constructor(
    private readonly roles: RolesService,
    private readonly reader: RolesReader,
  ) {}

  @Post()
  @RequireScope('roles:write')
  @TenantRoute()
  @Summary(
    'Give a tenant a further role',
    'A login of its own for reading, for changing rows, or with all rights; for a while, and from some networks only, if asked for. At most 20 of a home. The password is whole in this answer only, so the scope `roles:write` by its nature gives access to the data. Networks that a whitelist does not let in need `whitelists:write` too.',
  )
  @ApiEnvelope(RoleWithPasswordDto, { status: 201 })
  @ApiAccepted(RoleOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  createTenantRole(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: CreateRoleDto,
  ): Promise<OperationReply<RoleWithPasswordDto>> {
    return this.roles.create(context, { type: 'tenant', id }, dto);
  }

  @Get()
  @RequireScope('roles:read')
  @TenantRoute()
  @Summary('List the further roles of a tenant', 'Newest first.')
  @ApiPage(RoleDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'INVALID_CURSOR')
  listTenantRoles(@UuidParam() id: string, @Query() query: ListQuery): Promise<Page<RoleDto>> {
    return this.reader.list({ type: 'tenant', id }, query);
  }

  @Get(':roleId')
  @RequireScope('roles:read')
  @TenantRoute()
  @Summary(
    'Get a further role of a tenant',
    'The strings are masked, or whole with `reveal=true` and the scope `credentials:read`.',
  )
  @ApiEnvelope(RoleDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  getTenantRole(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @UuidParam('roleId') roleId: string,
    @Query() { reveal }: RevealQuery,
  ): Promise<RoleDto> {
    const wanted = { type: 'tenant', id, roleId } as const;
    return reveal ? this.reader.reveal(context, wanted) : this.reader.get(wanted);
  }

  @Patch(':roleId')
  @RequireScope('roles:write')
  @TenantRoute()
  @Summary(
    'Change a further role of a tenant',
    'What is left out stays as it is. New networks end the sessions that they do not allow; a new limit holds for new connections. Networks that a whitelist does not let in need `whitelists:write` too.',
  )
  @ApiEnvelope(RoleDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  updateTenantRole(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @UuidParam('roleId') roleId: string,
    @Body() dto: PatchRoleDto,
  ): Promise<OperationReply<RoleDto>> {
    return this.roles.patch(context, { type: 'tenant', id, roleId }, dto);
  }

  @Post(':roleId/rotate-credentials')
  @RequireScope('credentials:rotate')
  @TenantRoute()
  @Summary(
    'Rotate the password of a further role',
    'The old one is refused at once on both ports; sessions live on unless `endSessions`. Whoever has the new password has what the role may do.',
  )
  @ApiEnvelope(RoleWithPasswordDto)
  @ApiAccepted(RoleOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  rotateTenantRole(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @UuidParam('roleId') roleId: string,
    @Body() dto: RotateRoleDto,
  ): Promise<OperationReply<RoleWithPasswordDto>> {
    return this.roles.rotate(context, { type: 'tenant', id, roleId }, dto);
  }

  @Delete(':roleId')
  @RequireScope('roles:write')
  @TenantRoute()
  @Summary(
    'Delete a further role of a tenant',
    'Refused on both ports at once; its sessions end. What it made belongs to the tenant and stays.',
  )
  @ApiEnvelope(DeletedRoleDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  deleteTenantRole(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @UuidParam('roleId') roleId: string,
  ): Promise<OperationReply<DeletedRoleDto>> {
    return this.roles.delete(context, { type: 'tenant', id, roleId });
  }
}
