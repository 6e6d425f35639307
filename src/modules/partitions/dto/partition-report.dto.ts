import { ApiProperty } from '@nestjs/swagger';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';

export class PartitionFailureDto {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'The partition that it is about; null for the whole table',
    example: 'inventory_transactions_2026_12',
  })
  partition!: string | null;

  @ApiProperty({
    description:
      'The SQLSTATE (PostgreSQL manual, appendix A): `55P03` is a lock that somebody held for all attempts, `42P01` a table that is not there, `42809` one that is not partitioned.',
    example: '55P03',
  })
  sql_state!: string;

  @ApiProperty({ example: 'canceling statement due to lock timeout' })
  message!: string;
}

/** Rows of one period that found no partition of their own. */
export class DefaultRowsDto {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'The period, as in partition names; null for rows without a time, or with an infinite or very distant one.',
    example: '2026_09',
  })
  period!: string | null;

  @ApiProperty({ type: 'integer', minimum: 0, example: 120 })
  rows!: number;

  @ApiProperty({
    description:
      'Whether they were moved into a partition of their period. Else that partition cannot be made (PostgreSQL manual, 5.11.2.1).',
    example: false,
  })
  moved!: boolean;
}

/** What was done to one tenant's table; tenants with nothing to do are only counted. */
export class TenantPartitionsDto {
  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Null for a schema in stock, which no tenant has yet',
    example: EXAMPLE_ID,
  })
  tenant_id!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'corner-shop' })
  slug!: string | null;

  @ApiProperty({ example: 'tenant_0001' })
  schema_name!: string;

  @ApiProperty({ type: [String], example: ['inventory_transactions_2026_12'] })
  created!: string[];

  @ApiProperty({ type: [String], description: 'Taken out of the table and kept beside it', example: [] })
  detached!: string[];

  @ApiProperty({ type: [String], description: 'Gone with their rows', example: [] })
  dropped!: string[];

  @ApiProperty({ type: [DefaultRowsDto], description: 'What stands in the default partition' })
  default_rows!: DefaultRowsDto[];

  @ApiProperty({ type: [PartitionFailureDto] })
  failures!: PartitionFailureDto[];
}

export class DatabasePartitionsDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  database_id!: string;

  @ApiProperty({ example: 'tenant_0a1b2c3d' })
  database_name!: string;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Schemas that were looked at, those in stock included',
    example: 480,
  })
  tenants!: number;

  @ApiProperty({
    type: PartitionFailureDto,
    nullable: true,
    description: 'Why nothing could be done in this database at all',
    example: null,
  })
  failure!: PartitionFailureDto | null;

  @ApiProperty({ type: [TenantPartitionsDto] })
  changes!: TenantPartitionsDto[];
}

export class PartitionTotalsDto {
  @ApiProperty({ type: 'integer', minimum: 0, example: 2 })
  databases!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Schemas that were looked at', example: 960 })
  tenants!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Partitions', example: 960 })
  created!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Partitions', example: 0 })
  detached!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Partitions', example: 0 })
  dropped!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Rows found in default partitions', example: 120 })
  default_rows!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Of these, the moved ones', example: 0 })
  moved_rows!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Tenants with a failure', example: 0 })
  failed!: number;
}

/** What a run did, or, with `dry_run`, would do. */
export class PartitionReportDto {
  @ApiProperty({ example: false })
  dry_run!: boolean;

  @ApiProperty({ type: PartitionTotalsDto })
  totals!: PartitionTotalsDto;

  @ApiProperty({
    description: 'Whether `changes` leaves tenants out, since there are too many; `totals` counts them all.',
    example: false,
  })
  truncated!: boolean;

  @ApiProperty({ type: [DatabasePartitionsDto] })
  databases!: DatabasePartitionsDto[];
}

export class SummarizedFailureDto extends PartitionFailureDto {
  @ApiProperty({ example: 'tenant_0a1b2c3d' })
  database_name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'corner-shop' })
  slug!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'tenant_0001' })
  schema_name!: string | null;
}

/** What a policy keeps of its last run; the operation's result has all of it. */
export class PartitionSummaryDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  operation_id!: string;

  @ApiProperty({ type: PartitionTotalsDto })
  totals!: PartitionTotalsDto;

  @ApiProperty({ type: [SummarizedFailureDto], description: 'The first 20' })
  failures!: SummarizedFailureDto[];
}
