import { Body, Controller, Delete, Get, Headers, Patch, Post, Put, Query } from '@nestjs/common';
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
import { AddressCheckService } from './address-check.service.js';
import {
  AddRuleDto,
  CheckAddressDto,
  PatchWhitelistDto,
  RemoveRuleQuery,
  ReplaceWhitelistDto,
} from './dto/requests.dto.js';
import {
  AddedRuleDto,
  AddressCheckDto,
  RemovedRuleDto,
  WhitelistDto,
  WhitelistOperationDto,
  WhitelistRuleDto,
} from './dto/whitelist.dto.js';
import { ApiIfMatch } from './if-match.js';
import { SUMMARIES } from './route-words.js';
import type { HomeRef } from './whitelist-home.js';
import { WhitelistsService } from './whitelists.service.js';

@ApiTags('Whitelists')
@Controller('tenants/:id/whitelist')
@TenantRoute()
export class TenantWhitelistController {
  constructor(
    private readonly whitelists: WhitelistsService,
    private readonly checks: AddressCheckService,
  ) {}

  @Post()
  @RequireScope('whitelists:write')
  @Summary('Add a rule to the whitelist of a tenant', SUMMARIES.add)
  @ApiEnvelope(AddedRuleDto, { status: 201 })
  @ApiAccepted(WhitelistOperationDto)
  @ApiProblems(
    'VALIDATION_FAILED',
    'NOT_FOUND',
    'CONFLICT',
    'RESOURCE_BUSY',
    'LOCKS_OUT_CALLER',
    'SERVICE_UNAVAILABLE',
  )
  addTenantWhitelistRule(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: AddRuleDto,
  ): Promise<OperationReply<AddedRuleDto>> {
    return this.whitelists.add(context, ref(id), dto);
  }

  @Get()
  @RequireScope('whitelists:read')
  @Summary('List the whitelist of a tenant', SUMMARIES.list)
  @ApiPage(WhitelistRuleDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'INVALID_CURSOR')
  listTenantWhitelist(@UuidParam() id: string, @Query() query: ListQuery): Promise<Page<WhitelistRuleDto>> {
    return this.whitelists.list(ref(id), query);
  }

  @Get(':whitelistId')
  @RequireScope('whitelists:read')
  @Summary('Get a rule of the whitelist of a tenant')
  @ApiEnvelope(WhitelistRuleDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getTenantWhitelistRule(
    @UuidParam() id: string,
    @UuidParam('whitelistId') ruleId: string,
  ): Promise<WhitelistRuleDto> {
    return this.whitelists.get(ref(id), ruleId);
  }

  @Patch()
  @RequireScope('whitelists:write')
  @Summary('Add rules to the whitelist of a tenant and take others away', SUMMARIES.patch)
  @ApiEnvelope(WhitelistDto)
  @ApiAccepted(WhitelistOperationDto)
  @ApiProblems(
    'VALIDATION_FAILED',
    'NOT_FOUND',
    'CONFLICT',
    'RESOURCE_BUSY',
    'LOCKS_OUT_CALLER',
    'SERVICE_UNAVAILABLE',
  )
  updateTenantWhitelist(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchWhitelistDto,
  ): Promise<OperationReply<WhitelistDto>> {
    return this.whitelists.patch(context, ref(id), dto);
  }

  @Put()
  @RequireScope('whitelists:write')
  @Summary('Replace the whitelist of a tenant', SUMMARIES.replace)
  @ApiIfMatch()
  @ApiEnvelope(WhitelistDto)
  @ApiAccepted(WhitelistOperationDto)
  @ApiProblems(
    'VALIDATION_FAILED',
    'NOT_FOUND',
    'RESOURCE_BUSY',
    'LOCKS_OUT_CALLER',
    'PRECONDITION_FAILED',
    'PRECONDITION_REQUIRED',
    'SERVICE_UNAVAILABLE',
  )
  replaceTenantWhitelist(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: ReplaceWhitelistDto,
    @Headers('If-Match') ifMatch?: string,
  ): Promise<OperationReply<WhitelistDto>> {
    return this.whitelists.replace(context, ref(id), { ...dto, ifMatch });
  }

  @Delete(':whitelistId')
  @RequireScope('whitelists:write')
  @Summary('Take a rule out of the whitelist of a tenant', SUMMARIES.remove)
  @ApiEnvelope(RemovedRuleDto)
  @ApiAccepted(WhitelistOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'LOCKS_OUT_CALLER', 'SERVICE_UNAVAILABLE')
  removeTenantWhitelistRule(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @UuidParam('whitelistId') ruleId: string,
    @Query() { force }: RemoveRuleQuery,
  ): Promise<OperationReply<RemovedRuleDto>> {
    return this.whitelists.remove(context, ref(id), { ruleId, force });
  }

  @Post('check')
  @RequireScope('whitelists:read')
  @Summary('Ask whether an address may reach a tenant', SUMMARIES.check)
  @ApiEnvelope(AddressCheckDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  checkTenantAddress(@UuidParam() id: string, @Body() dto: CheckAddressDto): Promise<AddressCheckDto> {
    return this.checks.check(ref(id), dto);
  }
}

function ref(id: string): HomeRef {
  return { kind: 'tenant', id };
}
