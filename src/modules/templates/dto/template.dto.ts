import { ApiProperty } from '@nestjs/swagger';
import { TEMPLATE_STATUSES, type TemplateStatus } from '../template.js';

const EXAMPLE_ID = '7c1f2f0e-6a44-4f6a-9a2f-0c5d7b1e9d10';

export class VersionUseDto {
  @ApiProperty({ type: 'integer', description: 'The version; 0 is none.', example: 3 })
  version!: number;

  @ApiProperty({ type: 'integer', minimum: 0, example: 120 })
  tenants!: number;
}

/** A named, versioned set of SQL that tenants' schemas are made of. */
export class TemplateDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'pos' })
  name!: string;

  @ApiProperty({ example: 'Point of sale: 51 tables in 13 domains' })
  description!: string;

  @ApiProperty({
    description: 'A retired one takes neither new tenants nor new versions; those it has stay.',
    enum: TEMPLATE_STATUSES,
    enumName: 'TemplateStatus',
    example: 'active',
  })
  status!: TemplateStatus;

  @ApiProperty({ type: 'integer', description: 'The newest version; 0 while there is none.', example: 3 })
  latest_version!: number;

  @ApiProperty({
    type: [String],
    nullable: true,
    description:
      'The extensions that a database needs for its newest version and gets before its first tenant. Null for one from before this was looked at, until somebody needs it.',
    example: ['citext'],
  })
  extensions!: string[] | null;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'How many tenants carry it.', example: 120 })
  tenants!: number;

  @ApiProperty({ type: [VersionUseDto], description: 'How many tenants have which version, oldest first.' })
  tenants_by_version!: VersionUseDto[];

  @ApiProperty({ format: 'date-time', example: '2026-03-01T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T12:00:00.000Z' })
  updated_at!: string;
}

/** A template that is gone. */
export class DeletedTemplateDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'pos' })
  name!: string;

  @ApiProperty({ enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';
}
