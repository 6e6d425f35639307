import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PartitionInterval } from '../../provisioning/tenancy/partitions/partition-calendar.js';
import type { PartitionRule } from '../../provisioning/tenancy/partitions/partition-plan.js';
import type { PartitionScope } from '../../provisioning/tenancy/partitions/partition-targets.js';
import type { PartitionSummaryDto } from './dto/partition-report.dto.js';

@Entity('partition_policies')
export class PartitionPolicyEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'template_id', nullable: true })
  templateId!: string | null;

  @Column('uuid', { name: 'database_id', nullable: true })
  databaseId!: string | null;

  @Column('text', { name: 'table_name' })
  table!: string;

  @Column('text', { name: 'partition_interval' })
  interval!: PartitionInterval;

  @Column('integer')
  premake!: number;

  @Column('integer', { name: 'retention_months', nullable: true })
  retentionMonths!: number | null;

  @Column('text', { name: 'on_retention' })
  onRetention!: PartitionRule['onRetention'];

  @Column('text', { name: 'time_zone' })
  timeZone!: string;

  @Column('boolean')
  enabled!: boolean;

  @Column('timestamptz', { name: 'next_run_at' })
  nextRunAt!: Date;

  @Column('timestamptz', { name: 'last_run_at', nullable: true })
  lastRunAt!: Date | null;

  @Column('jsonb', { name: 'last_report', nullable: true })
  lastReport!: PartitionSummaryDto | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;
}

export function ruleOf(policy: PartitionPolicyEntity): PartitionRule {
  const { table, interval, premake, retentionMonths, onRetention, timeZone } = policy;
  return { table, interval, premake, retentionMonths, onRetention, timeZone };
}

export function scopeOf({ templateId, databaseId }: PartitionPolicyEntity): PartitionScope {
  return templateId === null ? { databaseId: databaseId ?? '' } : { templateId };
}
