import { Body, Controller, Get, Header, Post, Query, type StreamableFile } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
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
import { CreateMigrationDto } from './dto/create-migration.dto.js';
import { ListMigrationsQuery, ListMigrationTenantsQuery } from './dto/list-migrations.query.js';
import { MigrationDto } from './dto/migration.dto.js';
import { MigrationTenantDto } from './dto/migration-tenant.dto.js';
import { MigrationCommandsService } from './migration-commands.service.js';
import { MigrationsReader } from './migrations.reader.js';
import { MigrationsService } from './migrations.service.js';

const EXAMPLE_STREAM =
  'event: progress\ndata: {"id":"0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10","state":"running","totals":{…}, …}\n\n';

@ApiTags('Migrations')
@Controller('migrations')
export class MigrationsController {
  constructor(
    private readonly migrations: MigrationsService,
    private readonly commands: MigrationCommandsService,
    private readonly reader: MigrationsReader,
  ) {}

  @Post()
  @RequireScope('migrations:write')
  @Summary(
    "Bring a template version to the template's tenants",
    'Canary first, then ring by ring. It is done when its state is `succeeded`; a tenant that fails pauses it (`paused`, with `error`), which is no error of this request. One unfinished migration a template.',
  )
  @ApiEnvelope(MigrationDto, { status: 201, description: 'It rests: look at its state' })
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'SERVICE_UNAVAILABLE')
  createMigration(
    @Context() context: RequestContext,
    @Body() dto: CreateMigrationDto,
  ): Promise<OperationReply<MigrationDto>> {
    return this.migrations.create(context, dto);
  }

  @Get()
  @RequireScope('migrations:read')
  @Summary('List migrations', 'The newest first.')
  @ApiPage(MigrationDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listMigrations(@Query() query: ListMigrationsQuery): Promise<Page<MigrationDto>> {
    return this.reader.list(query);
  }

  @Get(':id')
  @RequireScope('migrations:read')
  @Summary('Get a migration')
  @ApiEnvelope(MigrationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getMigration(@UuidParam() id: string): Promise<MigrationDto> {
    return this.reader.get(id);
  }

  @Get(':id/tenants')
  @RequireScope('migrations:read')
  @Summary('List what a migration did, tenant by tenant', 'In the order of the migration.')
  @ApiPage(MigrationTenantDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR', 'NOT_FOUND')
  listMigrationTenants(
    @UuidParam() id: string,
    @Query() query: ListMigrationTenantsQuery,
  ): Promise<Page<MigrationTenantDto>> {
    return this.reader.listTenants(id, query);
  }

  @Get(':id/events')
  @Header('X-Accel-Buffering', 'no')
  @RequireScope('migrations:read')
  @Summary(
    'Follow a migration',
    'Server-sent events: `state` and `progress` with the migration as JSON, then `end` when it rests (done, failed, cancelled or paused), after which the stream closes.',
  )
  @ApiResponse({
    status: 200,
    description: 'The stream, until the migration rests',
    content: { 'text/event-stream': { schema: { type: 'string' }, example: EXAMPLE_STREAM } },
  })
  @ApiProblems('NOT_FOUND')
  followMigration(@UuidParam() id: string): Promise<StreamableFile> {
    return this.reader.follow(id);
  }

  @Post(':id/pause')
  @RequireScope('migrations:write')
  @Summary('Pause a migration', 'Tenants that it works on are finished first.')
  @ApiEnvelope(MigrationDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  pauseMigration(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<MigrationDto>> {
    return this.commands.pause(context, id);
  }

  @Post(':id/resume')
  @RequireScope('migrations:write')
  @Summary(
    'Resume a paused migration',
    'It goes on with the tenants that are pending; those that failed stay aside.',
  )
  @ApiEnvelope(MigrationDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY')
  resumeMigration(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<MigrationDto>> {
    return this.commands.resume(context, id);
  }

  @Post(':id/retry-failed')
  @RequireScope('migrations:write')
  @Summary(
    'Try the failed tenants of a migration again',
    'Of a paused or a failed one, which then goes on with the pending ones too.',
  )
  @ApiEnvelope(MigrationDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY')
  retryFailedTenants(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<MigrationDto>> {
    return this.commands.retryFailed(context, id);
  }

  @Post(':id/cancel')
  @RequireScope('migrations:write')
  @Summary(
    'Cancel a migration',
    'Tenants that it works on are finished first; whoever has the version keeps it.',
  )
  @ApiEnvelope(MigrationDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  cancelMigration(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<MigrationDto>> {
    return this.commands.cancel(context, id);
  }
}
