import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsEmail, IsInt, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { MAX_TENANTS } from './host.dto.js';

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function GroupName({ required }: { required: boolean }) {
  return applyDecorators(
    ApiProperty({
      required,
      description: 'Unique: 1 to 63 lower-case letters, digits and hyphens.',
      pattern: NAME.source,
      example: 'europe',
    }),
    Matches(NAME, { message: 'must be 1 to 63 lower-case letters, digits and hyphens' }),
  );
}

function given(field: string) {
  return ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined);
}

abstract class HostGroupFieldsDto {
  @ApiPropertyOptional({
    description: 'Tenant schemas in one hosting database. A change holds for databases made later.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_TENANTS,
    default: 500,
    example: 500,
  })
  @given('tenantsPerDatabase')
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_TENANTS, { message: `must be at most ${MAX_TENANTS}` })
  tenantsPerDatabase?: number;

  @ApiPropertyOptional({
    description: 'The budget: how many hosting databases Rowhouse may make for it; null is no limit.',
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: 1_000,
    example: 4,
  })
  @ValidateIf((dto: HostGroupFieldsDto) => dto.maxDatabases !== undefined && dto.maxDatabases !== null)
  @IsInt({ message: 'must be a whole number or null' })
  @Min(1, { message: 'must be at least 1' })
  @Max(1_000, { message: 'must be at most 1000' })
  maxDatabases?: number | null;

  @ApiPropertyOptional({
    description:
      "CONNECTION LIMIT of the owner's, the `_app` and the `_readonly` role of each database made later.",
    type: 'integer',
    minimum: 1,
    maximum: 10_000,
    example: 20,
  })
  @given('maxConnections')
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(10_000, { message: 'must be at most 10000' })
  maxConnections?: number;
}

export class CreateHostGroupDto extends HostGroupFieldsDto {
  @GroupName({ required: true })
  name!: string;

  @ApiProperty({ description: 'Who answers for its databases.', format: 'email', example: 'ops@example.com' })
  @MaxLength(254, { message: 'must have at most 254 characters' })
  @IsEmail({}, { message: 'must be an e-mail address' })
  ownerEmail!: string;
}

export class PatchHostGroupDto extends HostGroupFieldsDto {
  @given('name')
  @GroupName({ required: false })
  name?: string;

  @ApiPropertyOptional({
    description: 'Who answers for its databases.',
    format: 'email',
    example: 'ops@example.com',
  })
  @given('ownerEmail')
  @MaxLength(254, { message: 'must have at most 254 characters' })
  @IsEmail({}, { message: 'must be an e-mail address' })
  ownerEmail?: string;
}

/** Hosting databases among which Rowhouse places tenants. */
export class HostGroupDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  id!: string;

  @ApiProperty({ example: 'europe' })
  name!: string;

  @ApiProperty({ example: 'ops@example.com' })
  owner_email!: string;

  @ApiProperty({ type: 'integer', example: 500 })
  tenants_per_database!: number;

  @ApiProperty({ type: 'integer', nullable: true, example: 4 })
  max_databases!: number | null;

  @ApiProperty({ type: 'integer', example: 20 })
  max_connections!: number;

  @ApiProperty({ description: 'Hosting databases that it has.', type: 'integer', example: 2 })
  databases!: number;

  @ApiProperty({ description: 'Tenants in them.', type: 'integer', example: 640 })
  tenants!: number;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
}
