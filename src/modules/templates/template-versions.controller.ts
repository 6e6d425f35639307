import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
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
import { AddVersionDto } from './dto/requests.dto.js';
import { TemplateVersionDto, TemplateVersionWithSqlDto } from './dto/template-version.dto.js';
import { TemplateVersionsService } from './template-versions.service.js';
import { VersionNumberPipe } from './version-number.pipe.js';

@ApiTags('Templates')
@Controller('templates/:id/versions')
export class TemplateVersionsController {
  constructor(private readonly versions: TemplateVersionsService) {}

  @Post()
  @RequireScope('templates:write')
  @Summary(
    'Add a version to a template',
    'It is parsed, what no template may do is refused with its line, and it is run in scratch schemas, both after the versions before it and together with them; what PostgreSQL refuses there is answered with its message, code, line and column. It changes no tenant: a migration does.',
  )
  @ApiEnvelope(TemplateVersionWithSqlDto, { status: 201 })
  @ApiProblems(
    'VALIDATION_FAILED',
    'SQL_ERROR',
    'NOT_FOUND',
    'CONFLICT',
    'RESOURCE_BUSY',
    'SERVICE_UNAVAILABLE',
    'STATEMENT_TIMED_OUT',
  )
  addTemplateVersion(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: AddVersionDto,
  ): Promise<Reply<TemplateVersionWithSqlDto>> {
    return this.versions.add(context, id, dto);
  }

  @Get()
  @RequireScope('templates:read')
  @Summary('List the versions of a template', 'Newest first, without their SQL.')
  @ApiPage(TemplateVersionDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR', 'NOT_FOUND')
  listTemplateVersions(
    @UuidParam() id: string,
    @Query() query: ListQuery,
  ): Promise<Page<TemplateVersionDto>> {
    return this.versions.list(id, query);
  }

  @Get(':number')
  @RequireScope('templates:read')
  @Summary('Get a version of a template', 'With its SQL.')
  @ApiParam({ name: 'number', schema: { type: 'integer', minimum: 1 } })
  @ApiEnvelope(TemplateVersionWithSqlDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getTemplateVersion(
    @UuidParam() id: string,
    @Param('number', VersionNumberPipe) number: number,
  ): Promise<TemplateVersionWithSqlDto> {
    return this.versions.get(id, number);
  }
}
