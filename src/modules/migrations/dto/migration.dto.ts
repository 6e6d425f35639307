import { ApiProperty } from '@nestjs/swagger';
import { MIGRATED_STATUSES, type MigratedStatus } from '../migration.js';
import { MIGRATION_STATES, type MigrationState } from '../migration-state.js';
import { VersionProblemDto } from './migration-tenant.dto.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';

export class MigrationTotalsDto {
  @ApiProperty({ description: 'All tenants that it is for.', type: 'integer', example: 1_000 })
  tenants!: number;

  @ApiProperty({ description: 'Those whose turn has not come.', type: 'integer', example: 588 })
  pending!: number;

  @ApiProperty({
    description: 'Those that have the version now.',
    type: 'integer',
    example: 412,
  })
  succeeded!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  failed!: number;

  @ApiProperty({ description: 'Those that were deleted meanwhile.', type: 'integer', example: 0 })
  skipped!: number;
}

export class StrategyDto {
  @ApiProperty({ type: 'integer', example: 1 })
  canary!: number;

  @ApiProperty({ type: [Number], example: [10, 50, 100] })
  rings!: readonly number[];

  @ApiProperty({ type: 'integer', example: 4 })
  connections!: number;

  @ApiProperty({ type: 'integer', example: 2_000 })
  lock_timeout_ms!: number;

  @ApiProperty({ type: 'integer', example: 60_000 })
  statement_timeout_ms!: number;

  @ApiProperty({ type: 'integer', example: 5 })
  max_attempts!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  max_failures!: number;

  @ApiProperty({ example: false })
  pause_after_canary!: boolean;
}

export class MigrationFilterDto {
  @ApiProperty({ description: 'Null: all.', type: [String], format: 'uuid', nullable: true, example: null })
  tenant_ids!: readonly string[] | null;

  @ApiProperty({ description: 'Null: all.', type: String, format: 'uuid', nullable: true, example: null })
  database_id!: string | null;

  @ApiProperty({ enum: MIGRATED_STATUSES, isArray: true, example: MIGRATED_STATUSES })
  statuses!: readonly MigratedStatus[];
}

export class MigrationErrorDto {
  @ApiProperty({
    description:
      '`CANARY_FAILED`, `TOO_MANY_FAILURES`: it paused. `TENANTS_FAILED`: it went through, but not all have the version. `DRY_RUN_FAILED`. Else a code of problems.',
    example: 'TOO_MANY_FAILURES',
  })
  code!: string;

  @ApiProperty({ description: 'What happened and how to go on, for people.' })
  message!: string;
}

export class DryRunResultDto {
  @ApiProperty({
    description: 'The version that these tenants have; 0 is none.',
    type: 'integer',
    example: 6,
  })
  from_version!: number;

  @ApiProperty({ description: 'How many tenants have it.', type: 'integer', example: 1_000 })
  tenants!: number;

  @ApiProperty({ enum: ['succeeded', 'failed'], example: 'succeeded' })
  state!: 'succeeded' | 'failed';

  @ApiProperty({
    description: 'What the newer versions took, in milliseconds.',
    type: 'integer',
    example: 12,
  })
  duration_ms!: number;

  @ApiProperty({ type: VersionProblemDto, nullable: true, example: null })
  error!: VersionProblemDto | null;
}

/** A template version on its way to the template's tenants. */
export class MigrationDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  template_id!: string;

  @ApiProperty({ description: 'The version that the tenants get.', type: 'integer', example: 7 })
  version!: number;

  @ApiProperty({ example: false })
  dry_run!: boolean;

  @ApiProperty({
    description:
      '`pending`: waits to go on. `running`. `paused`: rests until it is resumed; `error` says why if nobody asked. `succeeded`: every tenant has the version. `failed`: it went through all, and some failed. `cancelled`: tenants that have the version keep it.',
    enum: MIGRATION_STATES,
    enumName: 'MigrationState',
    example: 'running',
  })
  state!: MigrationState;

  @ApiProperty({
    description: 'What was asked of it while it runs; it stops when the tenants at work are done.',
    type: String,
    enum: ['pause', 'cancel'],
    nullable: true,
    example: null,
  })
  requested!: 'pause' | 'cancel' | null;

  @ApiProperty({ type: MigrationTotalsDto })
  totals!: MigrationTotalsDto;

  @ApiProperty({
    description: 'The ring it is at: 0 is the canary. Null when all tenants are through.',
    type: 'integer',
    nullable: true,
    example: 1,
  })
  ring!: number | null;

  @ApiProperty({
    description: 'Tenants a second over the last ten seconds; null when it does not run.',
    type: Number,
    nullable: true,
    example: 182.5,
  })
  rate!: number | null;

  @ApiProperty({ type: StrategyDto })
  strategy!: StrategyDto;

  @ApiProperty({ type: MigrationFilterDto })
  filter!: MigrationFilterDto;

  @ApiProperty({
    description: 'Why it rests, or rested last.',
    type: MigrationErrorDto,
    nullable: true,
    example: null,
  })
  error!: MigrationErrorDto | null;

  @ApiProperty({
    description: 'What a dry run found, for each version that tenants have; null of any other migration.',
    type: [DryRunResultDto],
    nullable: true,
    example: null,
  })
  report!: readonly DryRunResultDto[] | null;

  @ApiProperty({ description: 'The name of the key that began it.', example: 'deploy' })
  created_by!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-01-31T12:00:00.010Z' })
  started_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  finished_at!: string | null;
}
