import { Body, Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ClientGone } from '../../http/client-gone.js';
import type { RequestContext } from '../../http/request-context.js';
import {
  ApiEnvelope,
  ApiProblems,
  Context,
  OutlivesProcess,
  RequireScope,
  Summary,
  TenantRoute,
  UuidParam,
} from '../../http/route.js';
import { MAX_TIMEOUT_MS, RunSqlDto } from './dto/run-sql.dto.js';
import { SqlResultDto } from './dto/sql-result.dto.js';
import { TenantSqlService } from './tenant-sql.service.js';

@ApiTags('Tenants')
@Controller('tenants')
export class TenantSqlController {
  constructor(private readonly sql: TenantSqlService) {}

  @Post(':id/sql')
  @TenantRoute()
  @OutlivesProcess(MAX_TIMEOUT_MS)
  @RequireScope('tenants:sql')
  @Summary(
    'Run one SQL statement as the tenant',
    "In a session of the tenant's own login, read-only unless `readOnly` is false. At most two of a tenant run at once. The audit trail keeps the statement's checksum and length, neither its text nor its parameters.",
  )
  @ApiEnvelope(SqlResultDto)
  @ApiProblems(
    'VALIDATION_FAILED',
    'SQL_ERROR',
    'INSUFFICIENT_SCOPE',
    'NOT_FOUND',
    'CONFLICT',
    'RESOURCE_BUSY',
    'OPERATION_CANCELLED',
    'RATE_LIMITED',
    'STATEMENT_TIMED_OUT',
    'SERVICE_UNAVAILABLE',
  )
  runTenantSql(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: RunSqlDto,
    @ClientGone() gone: AbortSignal,
  ): Promise<SqlResultDto> {
    return this.sql.run(context, { id, dto, gone });
  }
}
