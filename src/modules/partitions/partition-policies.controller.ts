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
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { DeletedPartitionPolicyDto, PartitionPolicyDto } from './dto/partition-policy.dto.js';
import { PartitionReportDto } from './dto/partition-report.dto.js';
import {
  CreatePartitionPolicyDto,
  ListPartitionPoliciesQuery,
  PatchPartitionPolicyDto,
  RunPartitionPolicyDto,
} from './dto/requests.dto.js';
import { PartitionPoliciesService } from './partition-policies.service.js';
import { PartitionRunsService } from './partition-runs.service.js';

@ApiTags('Partition policies')
@Controller('partition-policies')
export class PartitionPoliciesController {
  constructor(
    private readonly policies: PartitionPoliciesService,
    private readonly runs: PartitionRunsService,
  ) {}

  @Post()
  @RequireScope('partitions:write')
  @Summary(
    'Create a partition policy',
    'Keeps a partitioned table of all tenants of a template, or of a database, supplied with partitions ahead of time, and takes out those that have expired. It runs within a minute and then once a day.',
  )
  @ApiEnvelope(PartitionPolicyDto, { status: 201 })
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT')
  createPartitionPolicy(
    @Context() context: RequestContext,
    @Body() dto: CreatePartitionPolicyDto,
  ): Promise<Reply<PartitionPolicyDto>> {
    return this.policies.create(context, dto);
  }

  @Get()
  @RequireScope('partitions:read')
  @Summary('List partition policies')
  @ApiPage(PartitionPolicyDto)
  @ApiProblems('VALIDATION_FAILED', 'INVALID_CURSOR')
  listPartitionPolicies(@Query() query: ListPartitionPoliciesQuery): Promise<Page<PartitionPolicyDto>> {
    return this.policies.list(query);
  }

  @Get(':id')
  @RequireScope('partitions:read')
  @Summary('Get a partition policy')
  @ApiEnvelope(PartitionPolicyDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  getPartitionPolicy(@UuidParam() id: string): Promise<PartitionPolicyDto> {
    return this.policies.get(id);
  }

  @Patch(':id')
  @RequireScope('partitions:write')
  @Summary('Change a partition policy', 'What is left out stays as it is. It runs within a minute.')
  @ApiEnvelope(PartitionPolicyDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  updatePartitionPolicy(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: PatchPartitionPolicyDto,
  ): Promise<PartitionPolicyDto> {
    return this.policies.patch(context, id, dto);
  }

  @Delete(':id')
  @RequireScope('partitions:write')
  @Summary('Delete a partition policy', 'The partitions stay as they are.')
  @ApiEnvelope(DeletedPartitionPolicyDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  deletePartitionPolicy(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<DeletedPartitionPolicyDto> {
    return this.policies.delete(context, id);
  }

  @Post(':id/run')
  @RequireScope('partitions:write')
  @Summary(
    'Run a partition policy now',
    'Also one that is not enabled. A tenant that is busy or broken is told in the report and stops no other one.',
  )
  @ApiEnvelope(PartitionReportDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  runPartitionPolicy(
    @Context() context: RequestContext,
    @UuidParam() id: string,
    @Body() dto: RunPartitionPolicyDto,
  ): Promise<OperationReply<PartitionReportDto>> {
    return this.runs.run(context, id, dto);
  }
}
