import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { ListQuery } from '../../../http/pagination.js';
import type { PartitionInterval } from '../../../provisioning/tenancy/partitions/partition-calendar.js';
import { Optional } from '../../databases/dto/fields.js';
import { INTERVALS, IsOnlyOneWith, IsTableName, ON_RETENTION, type OnRetention } from './fields.js';

export const MAX_PREMAKE = 366;
export const MAX_RETENTION_MONTHS = 1_200;

const intervalDoc = {
  description:
    'How long one partition is. A week is that of ISO 8601, from Monday on. Partitions of another length that are there already are respected.',
  enum: INTERVALS,
  enumName: 'PartitionInterval',
  example: 'month',
} as const;

/** What can be chosen at creation and changed later. */
abstract class PolicySettingsDto {
  @ApiPropertyOptional({
    description: 'Periods that are made ahead of the present one.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_PREMAKE,
    default: 3,
    example: 3,
  })
  @Optional('premake')
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_PREMAKE, { message: `must be at most ${MAX_PREMAKE}` })
  premake?: number;

  @ApiPropertyOptional({
    description:
      'A partition that ended so many months ago is taken out of the table, as `onRetention` says. Null keeps everything.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_RETENTION_MONTHS,
    nullable: true,
    default: null,
    example: 24,
  })
  @IsOptional()
  @IsInt({ message: 'must be a whole number, or null' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_RETENTION_MONTHS, { message: `must be at most ${MAX_RETENTION_MONTHS}` })
  retentionMonths?: number | null;

  @ApiPropertyOptional({
    description:
      '`detach`: the partition stays beside its table, with its rows. `drop`: it goes with its rows (PostgreSQL manual, 5.11.2.2).',
    enum: ON_RETENTION,
    enumName: 'OnRetention',
    default: 'detach',
  })
  @Optional('onRetention')
  @IsIn(ON_RETENTION, { message: `must be one of ${ON_RETENTION.join(', ')}` })
  onRetention?: OnRetention;

  @ApiPropertyOptional({
    description:
      'Whose clocks say where a day, week or month begins: an IANA name. A key without a zone (`timestamp`, `date`) is taken for that zone’s time.',
    default: 'UTC',
    maxLength: 100,
    example: 'Europe/Berlin',
  })
  @Optional('timeZone')
  @IsString({ message: 'must be a string' })
  @Length(1, 100, { message: 'must have 1 to 100 characters' })
  timeZone?: string;

  @ApiPropertyOptional({ description: 'Whether it runs by itself, once a day.', default: true })
  @Optional('enabled')
  @IsBoolean({ message: 'must be true or false' })
  enabled?: boolean;
}

export class CreatePartitionPolicyDto extends PolicySettingsDto {
  @ApiPropertyOptional({
    description: 'For all tenants of this template. Give this or `databaseId`.',
    format: 'uuid',
  })
  @ValidateIf((dto: CreatePartitionPolicyDto) => dto.templateId !== undefined || dto.databaseId === undefined)
  @IsUUID('all', { message: 'must be a UUID (or give databaseId)' })
  @IsOnlyOneWith('databaseId')
  templateId?: string;

  @ApiPropertyOptional({
    description:
      'For all tenants in this database that have the table: a tenant host, or the database of one tenant. Give this or `templateId`.',
    format: 'uuid',
  })
  @Optional('databaseId')
  @IsUUID('all', { message: 'must be a UUID' })
  databaseId?: string;

  @ApiProperty({
    description:
      'The partitioned table, by ranges of one `timestamptz`, `timestamp` or `date` column: its name as PostgreSQL keeps it, without schema and quotes.',
    minLength: 1,
    maxLength: 63,
    example: 'inventory_transactions',
  })
  @IsTableName()
  table!: string;

  @ApiProperty(intervalDoc)
  @IsIn(INTERVALS, { message: `must be one of ${INTERVALS.join(', ')}` })
  interval!: PartitionInterval;
}

/** What is left out stays as it is. */
export class PatchPartitionPolicyDto extends PolicySettingsDto {
  @ApiPropertyOptional(intervalDoc)
  @Optional('interval')
  @IsIn(INTERVALS, { message: `must be one of ${INTERVALS.join(', ')}` })
  interval?: PartitionInterval;
}

export class RunPartitionPolicyDto {
  @ApiPropertyOptional({ description: 'Whether it only tells what it would do.', default: false })
  @Optional('dryRun')
  @IsBoolean({ message: 'must be true or false' })
  dryRun?: boolean;

  @ApiPropertyOptional({
    description:
      'Whether rows of default partitions are moved into partitions of their periods, as far as those have not expired. Writers of a default partition wait meanwhile.',
    default: false,
  })
  @Optional('moveDefaultRows')
  @IsBoolean({ message: 'must be true or false' })
  moveDefaultRows?: boolean;
}

export class ListPartitionPoliciesQuery extends ListQuery {
  @ApiPropertyOptional({ description: 'Only those of this template.', format: 'uuid' })
  @IsOptional()
  @IsUUID('all', { message: 'templateId must be a UUID' })
  templateId?: string;

  @ApiPropertyOptional({ description: 'Only those of this database.', format: 'uuid' })
  @IsOptional()
  @IsUUID('all', { message: 'databaseId must be a UUID' })
  databaseId?: string;
}
