import { ApiProperty } from '@nestjs/swagger';
import type { PartitionInterval } from '../../../provisioning/tenancy/partitions/partition-calendar.js';
import type { PartitionPolicyEntity } from '../partition-policy.entity.js';
import { INTERVALS, ON_RETENTION, type OnRetention } from './fields.js';
import { PartitionSummaryDto } from './partition-report.dto.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';

/** How a partitioned table of many tenants is kept up. */
export class PartitionPolicyDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'For all tenants of this template; else null',
    example: EXAMPLE_ID,
  })
  template_id!: string | null;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'For all tenants in this database; else null',
    example: null,
  })
  database_id!: string | null;

  @ApiProperty({ example: 'inventory_transactions' })
  table!: string;

  @ApiProperty({ enum: INTERVALS, enumName: 'PartitionInterval', example: 'month' })
  interval!: PartitionInterval;

  @ApiProperty({ type: 'integer', description: 'Periods ahead of the present one', example: 3 })
  premake!: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Null keeps everything', example: 24 })
  retention_months!: number | null;

  @ApiProperty({ enum: ON_RETENTION, enumName: 'OnRetention', example: 'detach' })
  on_retention!: OnRetention;

  @ApiProperty({ description: 'Whose clocks say where a period begins', example: 'Europe/Berlin' })
  time_zone!: string;

  @ApiProperty({ example: true })
  enabled!: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description:
      'Once a day, and an hour after a run with a failure; also within minutes of a new tenant. Null while it is not enabled.',
    example: '2026-11-22T03:17:00.000Z',
  })
  next_run_at!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the last run began',
    example: '2026-11-21T03:17:05.000Z',
  })
  last_run_at!: string | null;

  @ApiProperty({ type: PartitionSummaryDto, nullable: true, description: 'Dry runs leave none' })
  last_report!: PartitionSummaryDto | null;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

export class DeletedPartitionPolicyDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';
}

export function toPolicyDto(policy: PartitionPolicyEntity): PartitionPolicyDto {
  return {
    id: policy.id,
    template_id: policy.templateId,
    database_id: policy.databaseId,
    table: policy.table,
    interval: policy.interval,
    premake: policy.premake,
    retention_months: policy.retentionMonths,
    on_retention: policy.onRetention,
    time_zone: policy.timeZone,
    enabled: policy.enabled,
    next_run_at: policy.enabled ? policy.nextRunAt.toISOString() : null,
    last_run_at: policy.lastRunAt?.toISOString() ?? null,
    last_report: policy.lastReport,
    created_at: policy.createdAt.toISOString(),
    updated_at: policy.updatedAt.toISOString(),
  };
}
