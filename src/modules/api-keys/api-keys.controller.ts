import { Body, Controller, Delete, Get, Post, Query } from '@nestjs/common';
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
  TenantFiltered,
  UuidParam,
} from '../../http/route.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeyDto, ApiKeyWithSecretDto } from './dto/api-key.dto.js';
import { CreateApiKeyDto } from './dto/create-api-key.dto.js';

@ApiTags('API keys')
@Controller('api-keys')
@TenantFiltered()
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @RequireScope('api-keys:write')
  @Summary(
    'Create an API key',
    'The key is shown in this answer only. It can have no more rights than the key that makes it: no further scope, tenant or network, and no later expiry.',
  )
  @ApiEnvelope(ApiKeyWithSecretDto, { status: 201 })
  @ApiProblems('EXCEEDS_OWN_RIGHTS')
  createApiKey(
    @Context() context: RequestContext,
    @Body() dto: CreateApiKeyDto,
  ): Promise<Reply<ApiKeyWithSecretDto>> {
    return this.keys.create(context, dto);
  }

  @Get()
  @RequireScope('api-keys:read')
  @Summary('List the API keys', 'Newest first, revoked ones too.')
  @ApiPage(ApiKeyDto)
  listApiKeys(@Context() context: RequestContext, @Query() query: ListQuery): Promise<Page<ApiKeyDto>> {
    return this.keys.list(context, query);
  }

  @Get(':id')
  @RequireScope('api-keys:read')
  @Summary('Get an API key', 'Without its secret, which nobody can read again.')
  @ApiEnvelope(ApiKeyDto)
  @ApiProblems('NOT_FOUND')
  getApiKey(@Context() context: RequestContext, @UuidParam() id: string): Promise<ApiKeyDto> {
    return this.keys.get(context, id);
  }

  @Delete(':id')
  @RequireScope('api-keys:write')
  @Summary(
    'Revoke an API key',
    'It stops working at once, in every process. Revoking it again changes nothing.',
  )
  @ApiEnvelope(ApiKeyDto)
  @ApiProblems('NOT_FOUND', 'CONFLICT')
  revokeApiKey(@Context() context: RequestContext, @UuidParam() id: string): Promise<ApiKeyDto> {
    return this.keys.revoke(context, id);
  }

  @Post(':id/rotate')
  @RequireScope('api-keys:write')
  @Summary(
    'Rotate an API key',
    'The same key id gets a new secret and the old one stops at once. To change keys without a gap, create a second key.',
  )
  @ApiEnvelope(ApiKeyWithSecretDto)
  @ApiProblems('EXCEEDS_OWN_RIGHTS', 'NOT_FOUND', 'CONFLICT')
  rotateApiKey(@Context() context: RequestContext, @UuidParam() id: string): Promise<ApiKeyWithSecretDto> {
    return this.keys.rotate(context, id);
  }
}
