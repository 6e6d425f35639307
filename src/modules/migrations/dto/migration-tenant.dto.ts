import { ApiProperty } from '@nestjs/swagger';
import { TENANT_RESULTS, type TenantResultState } from '../migration-state.js';

/** Why a schema did not get a version. */
export class VersionProblemDto {
  @ApiProperty({
    description:
      "PostgreSQL's error code (manual, appendix A); null when the schema is not as Rowhouse left it and nothing was tried.",
    type: String,
    nullable: true,
    example: '23505',
  })
  sqlstate!: string | null;

  @ApiProperty({ example: 'could not create unique index "products_sku_key"' })
  message!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Key (sku)=(A-1) is duplicated.' })
  detail!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  hint!: string | null;

  @ApiProperty({
    description: 'The version that failed; those before it are in force.',
    type: 'integer',
    example: 7,
  })
  version!: number;

  @ApiProperty({
    description: 'The file of the version that the statement stands in; null when that cannot be told.',
    type: String,
    nullable: true,
    example: '001_products.sql',
  })
  file!: string | null;

  @ApiProperty({
    description: 'Its line in that file, from 1.',
    type: 'integer',
    nullable: true,
    example: 12,
  })
  line!: number | null;
}

/** What a migration did in one tenant. */
export class MigrationTenantDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  tenant_id!: string;

  @ApiProperty({ example: 'corner-shop' })
  slug!: string;

  @ApiProperty({ example: 'tenant_0042' })
  schema_name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'tenant_0a1b2c3d' })
  database_name!: string | null;

  @ApiProperty({ description: '0 is the canary.', type: 'integer', example: 1 })
  ring!: number;

  @ApiProperty({
    description: 'Its place in the order of the migration, from 1.',
    type: 'integer',
    example: 37,
  })
  position!: number;

  @ApiProperty({ description: 'The version that it had; 0 is none.', type: 'integer', example: 6 })
  from_version!: number;

  @ApiProperty({
    description: '`skipped`: it was deleted meanwhile.',
    enum: TENANT_RESULTS,
    enumName: 'MigrationTenantState',
    example: 'failed',
  })
  state!: TenantResultState;

  @ApiProperty({ type: 'integer', example: 1 })
  attempts!: number;

  @ApiProperty({
    description: 'Of the last attempt, in milliseconds.',
    type: 'integer',
    nullable: true,
    example: 9,
  })
  duration_ms!: number | null;

  @ApiProperty({ type: VersionProblemDto, nullable: true })
  error!: VersionProblemDto | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T12:00:01.234Z' })
  finished_at!: string | null;
}
