import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
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
import { DatabaseLifecycleService } from './database-lifecycle.service.js';
import { DatabaseSettingsService } from './database-settings.service.js';
import { DatabasesReader } from './databases.reader.js';
import { DatabasesService } from './databases.service.js';
import { CreateDatabaseDto, EnsureDatabaseDto } from './dto/create-database.dto.js';
import {
  CredentialsOperationDto,
  DatabaseConnectionDto,
  DatabaseDto,
  DatabaseWithPasswordDto,
  DeletedDatabaseDto,
  RotatedCredentialsDto,
} from './dto/database.dto.js';
import { ListDatabasesQuery } from './dto/list-databases.query.js';
import { PatchDatabaseDto } from './dto/patch-database.dto.js';
import { ConnectionStringsQuery, ExtensionsDto, RotateCredentialsDto } from './dto/requests.dto.js';
import { ExtensionNamePipe } from './extension-name.pipe.js';
import { FriendlyNamePipe } from './friendly-name.pipe.js';

@ApiTags('Databases')
@Controller('databases')
export class DatabasesController {
  constructor(
    private readonly databases: DatabasesService,
    private readonly reader: DatabasesReader,
    private readonly settings: DatabaseSettingsService,
    private readonly lifecycle: DatabaseLifecycleService,
  ) {}

  @Post()
  @RequireScope('databases:write')
  @Summary('Create a database', 'The password and the four strings are whole in this answer only.')
  @ApiEnvelope(DatabaseWithPasswordDto, { status: 201 })
  @ApiAccepted(CredentialsOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'SERVICE_UNAVAILABLE')
  createDatabase(
    @Context() context: RequestContext,
    @Body() dto: CreateDatabaseDto,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    return this.databases.create(context, dto);
  }

  @Put('by-name/:name')
  @RequireScope('databases:write')
  @Summary(
    'Ensure that a database of this name exists',
    'For deploy scripts: creates it (201, with its password) or returns it as it is (200, without).',
  )
  @ApiEnvelope(DatabaseWithPasswordDto, { status: 201 })
  @ApiEnvelope(DatabaseWithPasswordDto, { status: 200, description: 'It was there before' })
  @ApiAccepted(CredentialsOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'AMBIGUOUS_NAME', 'SERVICE_UNAVAILABLE')
  ensureDatabase(
    @Context() context: RequestContext,
    @Param('name', FriendlyNamePipe) name: string,
    @Body() dto: EnsureDatabaseDto,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    return this.databases.ensure(context, name, dto);
  }

  @Get()
  @RequireScope('databases:read')
  @Summary('List databases')
  @ApiPage(DatabaseDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listDatabases(@Query() query: ListDatabasesQuery): Promise<Page<DatabaseDto>> {
    return this.reader.list(query);
  }

  @Get(':id')
  @RequireScope('databases:read')
  @Summary('Get a database')
  @ApiEnvelope(DatabaseDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getDatabase(@UuidParam() id: string): Promise<DatabaseDto> {
    return this.reader.get(id);
  }

  @Patch(':id')
  @RequireScope('databases:write')
  @Summary('Change a database', 'What is left out stays as it is. Limits hold for new connections.')
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  updateDatabase(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchDatabaseDto,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.settings.patch(context, id, dto);
  }

  @Delete(':id')
  @RequireScope('databases:delete')
  @Summary('Delete a database', 'With its data, its shadow database and its role. It cannot be undone.')
  @ApiEnvelope(DeletedDatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'DELETION_PROTECTED', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  deleteDatabase(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DeletedDatabaseDto>> {
    return this.lifecycle.delete(context, id);
  }

  @Post(':id/suspend')
  @RequireScope('databases:write')
  @Summary(
    'Suspend a database',
    'Logins are refused on both ports at once and live sessions end; the data stays.',
  )
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  suspendDatabase(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.lifecycle.suspend(context, id);
  }

  @Post(':id/resume')
  @RequireScope('databases:write')
  @Summary('Resume a suspended database')
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  resumeDatabase(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.lifecycle.resume(context, id);
  }

  @Get(':id/connection-strings')
  @RequireScope('databases:read')
  @Summary(
    'Get the connection strings',
    'Masked, or whole with `reveal=true` and the scope `credentials:read`.',
  )
  @ApiEnvelope(DatabaseConnectionDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  getConnectionStrings(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Query() query: ConnectionStringsQuery,
  ): Promise<DatabaseConnectionDto> {
    return this.reader.connectionStrings(context, id, query);
  }

  @Post(':id/rotate-credentials')
  @RequireScope('credentials:rotate')
  @Summary(
    'Rotate the password',
    'Without graceSeconds the old one is refused at once on both ports; sessions live on unless `endSessions`. With it, a second user name takes over, and the old login works until the grace ends, so that no client fails while they are switched one by one.',
  )
  @ApiEnvelope(RotatedCredentialsDto)
  @ApiAccepted(CredentialsOperationDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  rotateDatabaseCredentials(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: RotateCredentialsDto,
  ): Promise<OperationReply<RotatedCredentialsDto>> {
    return this.lifecycle.rotateCredentials(context, id, dto);
  }

  @Get(':id/extensions')
  @RequireScope('databases:read')
  @Summary('List the extensions of a database, and what it could have')
  @ApiEnvelope(ExtensionsDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'SERVICE_UNAVAILABLE')
  listExtensions(@UuidParam() id: string): Promise<ExtensionsDto> {
    return this.lifecycle.listExtensions(id);
  }

  @Put(':id/extensions/:name')
  @RequireScope('databases:write')
  @Summary(
    'Install an extension',
    'One of the allow-list that the server has. Installing it again changes nothing.',
  )
  @ApiEnvelope(ExtensionsDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  installExtension(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Param('name', ExtensionNamePipe) name: string,
  ): Promise<OperationReply<ExtensionsDto>> {
    return this.lifecycle.installExtension(context, id, name);
  }

  @Post(':id/shadow')
  @RequireScope('databases:write')
  @Summary(
    "Make Prisma's shadow database",
    'A separate database of the same owner. Making it again changes nothing.',
  )
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  createShadow(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.lifecycle.createShadow(context, id);
  }

  @Post(':id/shadow/reset')
  @RequireScope('databases:write')
  @Summary('Empty the shadow database', 'Drops it and makes it anew.')
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  resetShadow(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.lifecycle.resetShadow(context, id);
  }

  @Delete(':id/shadow')
  @RequireScope('databases:write')
  @Summary('Drop the shadow database')
  @ApiEnvelope(DatabaseDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  dropShadow(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<DatabaseDto>> {
    return this.lifecycle.dropShadow(context, id);
  }
}
