import { Controller, Delete, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../http/request-context.js';
import {
  ApiEnvelope,
  ApiProblems,
  Context,
  RequireScope,
  Summary,
  TenantRoute,
  UuidParam,
} from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { CredentialsService } from './credentials.service.js';
import { LoginsDto } from './dto/credentials.dto.js';

const WHO =
  'The login that the connection strings have, and, while a rotation is in its grace, who still uses the old one.';
const END = 'It is refused on both ports at once and its sessions end; those of the new login live on.';

@ApiTags('Databases')
@Controller('databases/:id/credentials')
export class DatabaseCredentialsController {
  constructor(private readonly credentials: CredentialsService) {}

  @Get()
  @RequireScope('databases:read')
  @Summary('Get the logins of a database', WHO)
  @ApiEnvelope(LoginsDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'SERVICE_UNAVAILABLE')
  getDatabaseCredentials(@UuidParam() id: string): Promise<LoginsDto> {
    return this.credentials.get({ type: 'database', id });
  }

  @Delete('previous')
  @RequireScope('credentials:rotate')
  @Summary('End the grace of a rotation now', END)
  @ApiEnvelope(LoginsDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  endDatabaseOverlap(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<LoginsDto>> {
    return this.credentials.endOverlap(context, { type: 'database', id });
  }
}

@ApiTags('Tenants')
@Controller('tenants/:id/credentials')
export class TenantCredentialsController {
  constructor(private readonly credentials: CredentialsService) {}

  @Get()
  @RequireScope('tenants:read')
  @TenantRoute()
  @Summary('Get the logins of a tenant', WHO)
  @ApiEnvelope(LoginsDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  getTenantCredentials(@UuidParam() id: string): Promise<LoginsDto> {
    return this.credentials.get({ type: 'tenant', id });
  }

  @Delete('previous')
  @RequireScope('credentials:rotate')
  @TenantRoute()
  @Summary('End the grace of a rotation now', END)
  @ApiEnvelope(LoginsDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  endTenantOverlap(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<LoginsDto>> {
    return this.credentials.endOverlap(context, { type: 'tenant', id });
  }
}
