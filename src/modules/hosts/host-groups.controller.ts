import { Body, Controller, Delete, Get, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ListQuery } from '../../http/pagination.js';
import type { Page, Reply } from '../../http/reply.js';
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
import { CreateHostGroupDto, HostGroupDto, PatchHostGroupDto } from './dto/host-group.dto.js';
import { HostGroupsService } from './host-groups.service.js';

@ApiTags('Hosts')
@Controller('host-groups')
export class HostGroupsController {
  constructor(private readonly groups: HostGroupsService) {}

  @Post()
  @RequireScope('hosts:write')
  @Summary(
    'Create a host group',
    'New tenants go to the group’s database with the most room; the next database is made before the last is full.',
  )
  @ApiEnvelope(HostGroupDto, { status: 201 })
  @ApiProblems('VALIDATION_FAILED', 'CONFLICT')
  createHostGroup(
    @Context() context: RequestContext,
    @Body() dto: CreateHostGroupDto,
  ): Promise<Reply<HostGroupDto>> {
    return this.groups.create(context, dto);
  }

  @Get()
  @RequireScope('hosts:read')
  @Summary('List host groups')
  @ApiPage(HostGroupDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listHostGroups(@Query() query: ListQuery): Promise<Page<HostGroupDto>> {
    return this.groups.list(query);
  }

  @Get(':id')
  @RequireScope('hosts:read')
  @Summary('Get a host group')
  @ApiEnvelope(HostGroupDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getHostGroup(@UuidParam() id: string): Promise<HostGroupDto> {
    return this.groups.get(id);
  }

  @Patch(':id')
  @RequireScope('hosts:write')
  @Summary('Change a host group', 'What is left out stays as it is. Databases that it has keep their limits.')
  @ApiEnvelope(HostGroupDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  updateHostGroup(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchHostGroupDto,
  ): Promise<HostGroupDto> {
    return this.groups.patch(context, id, dto);
  }

  @Delete(':id')
  @RequireScope('hosts:write')
  @Summary('Delete a host group that has no databases')
  @ApiEnvelope(HostGroupDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  deleteHostGroup(@Context() context: RequestContext, @UuidParam() id: string): Promise<HostGroupDto> {
    return this.groups.delete(context, id);
  }
}
