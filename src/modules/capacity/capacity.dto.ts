import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { toInteger } from '../../http/pagination.js';
import { ADVICE, type AdviceCode, SEVERITIES, type Severity } from './capacity-advice.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';
const MAX_TOP = 100;

export class CapacityQuery {
  @ApiPropertyOptional({
    description: 'How many of the largest tenants are listed.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_TOP,
    default: 10,
  })
  @IsOptional()
  @Transform(({ value }) => toInteger(value))
  @IsInt({ message: `top must be an integer from 1 to ${MAX_TOP}` })
  @Min(1, { message: `top must be an integer from 1 to ${MAX_TOP}` })
  @Max(MAX_TOP, { message: `top must be an integer from 1 to ${MAX_TOP}` })
  top = 10;
}

/** Rows of `pg_class` that are not the system's own. */
export class CapacityObjectsDto {
  @ApiProperty({ type: 'integer', example: 150_000 })
  total!: number;

  @ApiProperty({ type: 'integer', description: 'Partitions included', example: 27_000 })
  tables!: number;

  @ApiProperty({ type: 'integer', example: 500 })
  partitioned_tables!: number;

  @ApiProperty({ type: 'integer', description: 'Those of partitioned tables included', example: 80_000 })
  indexes!: number;

  @ApiProperty({ type: 'integer', example: 20_000 })
  sequences!: number;

  @ApiProperty({ type: 'integer', description: 'Without their indexes', example: 22_000 })
  toast_tables!: number;

  @ApiProperty({ type: 'integer', description: 'Materialized ones included', example: 500 })
  views!: number;
}

export class CapacityCatalogDto {
  @ApiProperty({ example: 'pg_attribute' })
  name!: string;

  @ApiProperty({ type: 'integer', description: 'With its indexes', example: 180_000_000 })
  bytes!: number;

  @ApiProperty({ type: 'integer', description: 'Not vacuumed yet, by the statistics', example: 1200 })
  dead_rows!: number;
}

export class CapacityTenantDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  tenant_id!: string;

  @ApiProperty({ example: 'corner-shop' })
  slug!: string;

  @ApiProperty({ example: 'tenant_0001' })
  schema_name!: string;

  @ApiProperty({
    type: 'integer',
    description: 'Its tables, indexes and TOAST tables',
    example: 8_500_000,
  })
  bytes!: number;

  @ApiProperty({ type: 'integer', description: 'Tables, indexes, sequences and so on', example: 361 })
  relations!: number;
}

export class CapacityLocksDto {
  @ApiProperty({
    type: 'integer',
    description:
      'What the lock table is sized for, all sessions together: max_locks_per_transaction × (max_connections + max_prepared_transactions) (PostgreSQL manual, 20.12).',
    example: 153_600,
  })
  slots!: number;

  @ApiProperty({ type: 'integer', description: 'A dump of the whole database: one a table', example: 27_500 })
  whole_dump!: number;

  @ApiProperty({
    type: 'integer',
    description: 'About: DROP SCHEMA … CASCADE of the tenant with the most objects, in one statement',
    example: 1264,
  })
  widest_tenant_drop!: number;

  @ApiProperty({ type: String, nullable: true, description: 'That tenant’s schema', example: 'tenant_0001' })
  widest_tenant!: string | null;
}

/** What the number of objects costs, by measurements on two cores. */
export class CapacityEstimatesDto {
  @ApiProperty({
    type: 'number',
    description:
      'Seconds that `pg_dump -n` of one tenant reads catalogs before it reads rows, with `-c enable_mergejoin=off`; it grows with the objects of all tenants.',
    example: 1.2,
  })
  tenant_dump_seconds!: number;

  @ApiProperty({
    type: 'number',
    description:
      'Seconds that the files of this database add to a restart after a crash (`recovery_init_sync_method`; PostgreSQL manual, 20.13). Replaying what was written since the last checkpoint comes on top: some seconds, after many creations more (manual, "WAL Configuration").',
    example: 1,
  })
  crash_restart_seconds!: number;
}

export class CapacityAgesDto {
  @ApiProperty({
    type: 'integer',
    description: 'Transactions since the oldest that is not frozen; at about 2 billion the server stops',
    example: 12_000_000,
  })
  xid!: number;

  @ApiProperty({ type: 'integer', description: 'The same of multixacts', example: 1000 })
  multixact!: number;
}

export class CapacityAdviceDto {
  @ApiProperty({
    enum: Object.keys(ADVICE),
    enumName: 'CapacityAdviceCode',
    description: Object.entries(ADVICE)
      .map(([code, meaning]) => `\`${code}\`: ${meaning}.`)
      .join(' '),
    example: 'TENANTS_NEAR_LIMIT',
  })
  code!: AdviceCode;

  @ApiProperty({ enum: SEVERITIES, enumName: 'CapacitySeverity', example: 'warn' })
  severity!: Severity;

  @ApiProperty({ example: '410 of 500 tenants are here. Make another host, or let a host group make it.' })
  message!: string;
}

/** What a database holds, what that costs, and what to do before it hurts. */
export class CapacityDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  database_id!: string;

  @ApiProperty({ example: 'tenant_0a1b2c3d' })
  database_name!: string;

  @ApiProperty({ type: 'integer', description: 'Without the system’s own', example: 502 })
  schemas!: number;

  @ApiProperty({ type: 'integer', example: 480 })
  tenants!: number;

  @ApiProperty({ type: 'integer', description: 'Finished schemas in stock', example: 3 })
  warm_schemas!: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Null when it is no host', example: 500 })
  max_tenants!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'How many more tenants it takes now, its stock counted; 0 while it is suspended; null when it is no host',
    example: 20,
  })
  room!: number | null;

  @ApiProperty({ type: 'integer', example: 1_200_000_000 })
  database_bytes!: number;

  @ApiProperty({ type: 'integer', description: 'System catalogs of this database', example: 429_000_000 })
  catalog_bytes!: number;

  @ApiProperty({ type: [CapacityCatalogDto], description: 'The five largest catalogs' })
  largest_catalogs!: CapacityCatalogDto[];

  @ApiProperty({ type: CapacityObjectsDto })
  objects!: CapacityObjectsDto;

  @ApiProperty({ type: [CapacityTenantDto], description: 'The largest tenants, largest first' })
  largest_tenants!: CapacityTenantDto[];

  @ApiProperty({ type: CapacityLocksDto })
  locks!: CapacityLocksDto;

  @ApiProperty({ type: CapacityEstimatesDto })
  estimates!: CapacityEstimatesDto;

  @ApiProperty({ type: CapacityAgesDto })
  ages!: CapacityAgesDto;

  @ApiProperty({ type: [CapacityAdviceDto], description: 'The worst first; empty when all is well' })
  advice!: CapacityAdviceDto[];
}
