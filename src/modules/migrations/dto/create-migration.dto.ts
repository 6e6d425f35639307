import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsUUID,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { MIGRATED_STATUSES, type MigratedStatus } from '../migration.js';
import { MigrationStrategyDto } from './strategy.dto.js';

const MAX_TENANT_IDS = 5_000;

/** A field that may be left out; `null` is a wrong type. */
function Optional(field: string) {
  return ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined);
}

export class CreateMigrationDto {
  @ApiProperty({ description: 'The template whose version it brings.', format: 'uuid' })
  @IsUUID(undefined, { message: 'must be a UUID' })
  templateId!: string;

  @ApiPropertyOptional({
    description:
      'The version that every tenant shall have; the newest when left out. A tenant several versions behind gets them in their order, each in a transaction of its own; one that has it, or a newer one, is left alone.',
    type: 'integer',
    minimum: 1,
    example: 7,
  })
  @Optional('version')
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  version?: number;

  @ApiPropertyOptional({
    description: 'Only these tenants of the template. Filters narrow each other.',
    type: [String],
    format: 'uuid',
    minItems: 1,
    maxItems: MAX_TENANT_IDS,
  })
  @Optional('tenantIds')
  @IsArray({ message: 'must be a list' })
  @ArrayMinSize(1, { message: 'must not be empty' })
  @ArrayMaxSize(MAX_TENANT_IDS, { message: `must have at most ${MAX_TENANT_IDS} items` })
  @ArrayUnique({ message: 'must not name a tenant twice' })
  @IsUUID(undefined, { each: true, message: 'each must be a UUID' })
  tenantIds?: string[];

  @ApiPropertyOptional({ description: 'Only the tenants in this database.', format: 'uuid' })
  @Optional('databaseId')
  @IsUUID(undefined, { message: 'must be a UUID' })
  databaseId?: string;

  @ApiPropertyOptional({
    description: 'Only the tenants in these statuses.',
    enum: MIGRATED_STATUSES,
    isArray: true,
    default: MIGRATED_STATUSES,
  })
  @Optional('statuses')
  @IsArray({ message: 'must be a list' })
  @ArrayMinSize(1, { message: 'must not be empty' })
  @ArrayUnique({ message: 'must not name a status twice' })
  @IsIn(MIGRATED_STATUSES, { each: true, message: `each must be one of ${MIGRATED_STATUSES.join(', ')}` })
  statuses?: MigratedStatus[];

  @ApiPropertyOptional({
    description: 'How it goes over the tenants; what is left out is as shown here.',
    type: MigrationStrategyDto,
  })
  @Optional('strategy')
  @ValidateNested({ message: 'must be an object' })
  @Type(() => MigrationStrategyDto)
  strategy?: MigrationStrategyDto;

  @ApiPropertyOptional({
    description:
      'Whether it only tries: a fresh schema in the scratch database for each version that tenants have, and the newer versions in it. No tenant is changed; their rows are not there, so what fails for somebody’s rows shows only later.',
    default: false,
  })
  @Optional('dryRun')
  @IsBoolean({ message: 'must be true or false' })
  dryRun?: boolean;
}
