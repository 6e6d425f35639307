import { Body, Controller, Delete, Get, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
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
import { DriftReportDto } from './dto/drift-report.dto.js';
import {
  CreateTemplateDto,
  DiffQuery,
  DriftQuery,
  ListTemplatesQuery,
  PatchTemplateDto,
} from './dto/requests.dto.js';
import { DeletedTemplateDto, TemplateDto } from './dto/template.dto.js';
import { TemplateDiffDto } from './dto/template-diff.dto.js';
import { TemplateDiffService } from './template-diff.service.js';
import { TemplateDriftService } from './template-drift.service.js';
import { TemplatesService } from './templates.service.js';

@ApiTags('Templates')
@Controller('templates')
export class TemplatesController {
  constructor(
    private readonly templates: TemplatesService,
    private readonly differences: TemplateDiffService,
    private readonly drift: TemplateDriftService,
  ) {}

  @Post()
  @RequireScope('templates:write')
  @Summary(
    'Create a template',
    'With `files` or `sql`, its first version is added too, and refused as `POST /api/templates/{id}/versions` would.',
  )
  @ApiEnvelope(TemplateDto, { status: 201 })
  @ApiProblems('VALIDATION_FAILED', 'SQL_ERROR', 'CONFLICT', 'SERVICE_UNAVAILABLE', 'STATEMENT_TIMED_OUT')
  createTemplate(
    @Context() context: RequestContext,
    @Body() dto: CreateTemplateDto,
  ): Promise<Reply<TemplateDto>> {
    return this.templates.create(context, dto);
  }

  @Get()
  @RequireScope('templates:read')
  @Summary('List templates', 'Newest first.')
  @ApiPage(TemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listTemplates(@Query() query: ListTemplatesQuery): Promise<Page<TemplateDto>> {
    return this.templates.list(query);
  }

  @Get(':id')
  @RequireScope('templates:read')
  @Summary('Get a template')
  @ApiEnvelope(TemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getTemplate(@UuidParam() id: string): Promise<TemplateDto> {
    return this.templates.get(id);
  }

  @Patch(':id')
  @RequireScope('templates:write')
  @Summary('Change the description of a template')
  @ApiEnvelope(TemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  updateTemplate(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchTemplateDto,
  ): Promise<TemplateDto> {
    return this.templates.patch(context, id, dto);
  }

  @Delete(':id')
  @RequireScope('templates:write')
  @Summary('Delete a template', 'With its versions, while no tenant, migration or partition policy is of it.')
  @ApiEnvelope(DeletedTemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  deleteTemplate(@Context() context: RequestContext, @UuidParam() id: string): Promise<DeletedTemplateDto> {
    return this.templates.delete(context, id);
  }

  @Post(':id/retire')
  @RequireScope('templates:write')
  @Summary(
    'Retire a template',
    'It takes neither new tenants nor new versions; its tenants stay as they are.',
  )
  @ApiEnvelope(TemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  retireTemplate(@Context() context: RequestContext, @UuidParam() id: string): Promise<TemplateDto> {
    return this.templates.retire(context, id);
  }

  @Post(':id/activate')
  @RequireScope('templates:write')
  @Summary('Activate a retired template')
  @ApiEnvelope(TemplateDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  activateTemplate(@Context() context: RequestContext, @UuidParam() id: string): Promise<TemplateDto> {
    return this.templates.activate(context, id);
  }

  @Get(':id/diff')
  @RequireScope('templates:read')
  @Summary(
    'Compare two versions of a template',
    'Their files, and what they make: both versions are run in scratch schemas, and the schemas compared.',
  )
  @ApiEnvelope(TemplateDiffDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'SERVICE_UNAVAILABLE')
  diffTemplate(@UuidParam() id: string, @Query() query: DiffQuery): Promise<TemplateDiffDto> {
    return this.differences.diff(id, query);
  }

  @Get(':id/drift')
  @RequireScope('templates:read')
  @Summary(
    'Compare tenants with their template',
    "Each tenant's tables, columns, indexes, constraints, functions, owners and grants with a fresh schema of the version that it has. Partitions are left out. About a second for 100 tenants of 50 tables.",
  )
  @ApiEnvelope(DriftReportDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'SERVICE_UNAVAILABLE')
  getTemplateDrift(@UuidParam() id: string, @Query() query: DriftQuery): Promise<DriftReportDto> {
    return this.drift.report(id, query);
  }
}
