import { ApiProperty } from '@nestjs/swagger';

export class DifferenceDto {
  @ApiProperty({
    description: 'What it is, and its name without the schema.',
    example: 'column products.name',
  })
  object!: string;

  @ApiProperty({
    description: '`missing` and `unexpected` are seen from the template.',
    enum: ['missing', 'unexpected', 'changed'],
    example: 'missing',
  })
  kind!: 'missing' | 'unexpected' | 'changed';

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Cut after 1000 characters.',
    example: 'text NOT NULL',
  })
  expected!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Cut after 1000 characters.', example: null })
  actual!: string | null;
}

export class TenantDriftDto {
  @ApiProperty({ format: 'uuid', example: '7c1f2f0e-6a44-4f6a-9a2f-0c5d7b1e9d10' })
  tenant_id!: string;

  @ApiProperty({ example: 'acme' })
  slug!: string;

  @ApiProperty({ example: 'tenant_ab12cd34' })
  database_name!: string;

  @ApiProperty({ example: 'tenant_0001' })
  schema!: string;

  @ApiProperty({ type: 'integer', description: 'The version that it should be like.', example: 3 })
  version!: number;

  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  difference_count!: number;

  @ApiProperty({ type: [DifferenceDto], description: 'The first 100.' })
  differences!: DifferenceDto[];
}

export class UncheckedHostDto {
  @ApiProperty({ example: 'tenant_ab12cd34' })
  database_name!: string;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    description: 'Tenants there that were not looked at.',
    example: 40,
  })
  tenants!: number;

  @ApiProperty({ example: 'The database does not answer.' })
  reason!: string;
}

export class DriftSummaryDto {
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Active and suspended tenants of the template.',
    example: 120,
  })
  tenants!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Just like their version.', example: 118 })
  matching!: number;

  @ApiProperty({ type: 'integer', minimum: 0, example: 2 })
  drifted!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description:
      'On their way: a migration has brought them past the version that Rowhouse has noted, or is in the middle of one. Ask again when it is through.',
    example: 0,
  })
  migrating!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Their hosting database could not be read.',
    example: 0,
  })
  unchecked!: number;
}

/** How tenants compare with fresh schemas of the versions that they have. */
export class DriftReportDto {
  @ApiProperty({ type: DriftSummaryDto })
  summary!: DriftSummaryDto;

  @ApiProperty({
    type: [TenantDriftDto],
    description: 'Those with differences, oldest tenant first, up to `limit`.',
  })
  tenants!: TenantDriftDto[];

  @ApiProperty({ type: [UncheckedHostDto] })
  unchecked_hosts!: UncheckedHostDto[];
}
