import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsEmail, IsIn, IsOptional, IsString, IsUUID, Length, MaxLength } from 'class-validator';
import { ListQuery } from '../../../http/pagination.js';
import type { Isolation, TenantStatus } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { DatabaseSettingsDto } from '../../databases/dto/database-settings.dto.js';
import { ExtensionNames, FriendlyName, Optional } from '../../databases/dto/fields.js';
import { TENANT_STATUSES } from '../tenant-status.js';
import { Metadata, Slug } from './fields.js';

export const ISOLATIONS = ['schema', 'database'] as const satisfies readonly Isolation[];

export class CreateTenantDto extends DatabaseSettingsDto {
  @Slug()
  slug!: string;

  @Optional('name')
  @FriendlyName({ required: false })
  name?: string;

  @ApiPropertyOptional({
    description:
      '`schema`: a schema in a hosting database, beside others. `database`: a database of its own, owned by its login.',
    enum: ISOLATIONS,
    enumName: 'Isolation',
    default: 'schema',
  })
  @Optional('isolation')
  @IsIn(ISOLATIONS, { message: `must be one of ${ISOLATIONS.join(', ')}` })
  isolation?: Isolation;

  @ApiPropertyOptional({
    description: 'The template whose newest version it gets; without one it begins empty.',
    format: 'uuid',
  })
  @Optional('templateId')
  @IsUUID('all', { message: 'must be a UUID' })
  templateId?: string;

  @ApiPropertyOptional({
    description: 'The hosting database, for isolation `schema`; without it, the host group chooses.',
    format: 'uuid',
  })
  @Optional('databaseId')
  @IsUUID('all', { message: 'must be a UUID' })
  databaseId?: string;

  @ApiPropertyOptional({
    description: 'The host group that chooses the hosting database, by name.',
    default: 'default',
    example: 'europe',
  })
  @Optional('hostGroup')
  @IsString({ message: 'must be a string' })
  @Length(1, 63, { message: 'must have 1 to 63 characters' })
  hostGroup?: string;

  @ApiPropertyOptional({
    description: 'Who answers for its database, for isolation `database`.',
    format: 'email',
    example: 'ops@example.com',
  })
  @Optional('ownerEmail')
  @MaxLength(254, { message: 'must have at most 254 characters' })
  @IsEmail({}, { message: 'must be an e-mail address' })
  ownerEmail?: string;

  /** For isolation `database`; a hosting database has those of its own. */
  @Optional('extensions')
  @ExtensionNames()
  extensions?: string[];

  @Optional('metadata')
  @Metadata()
  metadata?: Record<string, unknown>;
}

/** What is left out stays as it is. */
export class PatchTenantDto extends DatabaseSettingsDto {
  @Optional('slug')
  @Slug({ required: false })
  slug?: string;

  @Optional('name')
  @FriendlyName({ required: false })
  name?: string;

  @Optional('metadata')
  @Metadata()
  metadata?: Record<string, unknown>;
}

export class CloneTenantDto {
  @Slug()
  slug!: string;

  @Optional('name')
  @FriendlyName({ required: false })
  name?: string;

  @ApiProperty({
    required: false,
    description:
      'Whether the rows are copied too: as they are at one moment (REPEATABLE READ; PostgreSQL manual, 13.2.2), with sequence values, partitions, detached ones too, and materialized views filled anew. Refused where the tenant has what its template does not make. Without them the clone gets the seeds of its template.',
    default: false,
    example: true,
  })
  @Optional('withData')
  @IsBoolean({ message: 'must be true or false' })
  withData?: boolean;
}

export class ListTenantsQuery extends ListQuery {
  @ApiPropertyOptional({
    description: 'Only those in this status.',
    enum: TENANT_STATUSES,
    enumName: 'TenantStatus',
  })
  @IsOptional()
  @IsIn(TENANT_STATUSES, { message: `status must be one of ${TENANT_STATUSES.join(', ')}` })
  status?: TenantStatus;

  @ApiPropertyOptional({ enum: ISOLATIONS, enumName: 'Isolation' })
  @IsOptional()
  @IsIn(ISOLATIONS, { message: `isolation must be one of ${ISOLATIONS.join(', ')}` })
  isolation?: Isolation;

  @ApiPropertyOptional({ description: 'Only those in this database.', format: 'uuid' })
  @IsOptional()
  @IsUUID('all', { message: 'databaseId must be a UUID' })
  databaseId?: string;

  @ApiPropertyOptional({ description: 'Only those of this template.', format: 'uuid' })
  @IsOptional()
  @IsUUID('all', { message: 'templateId must be a UUID' })
  templateId?: string;

  @ApiPropertyOptional({ description: 'Only the one with this slug.', example: 'corner-shop' })
  @IsOptional()
  @IsString({ message: 'slug must be a string' })
  @Length(1, 63, { message: 'slug must have 1 to 63 characters' })
  slug?: string;

  @ApiPropertyOptional({
    description: 'Only those whose slug, name or schema contains this text, whatever the case.',
  })
  @IsOptional()
  @IsString({ message: 'search must be a string' })
  @Length(1, 100, { message: 'search must have 1 to 100 characters' })
  search?: string;
}
