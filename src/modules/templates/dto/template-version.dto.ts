import { ApiProperty } from '@nestjs/swagger';

const KINDS = ['schema', 'seed'];

export class VersionFileDto {
  @ApiProperty({ example: '01_products.sql' })
  name!: string;

  @ApiProperty({ enum: KINDS, example: 'schema' })
  kind!: 'schema' | 'seed';

  @ApiProperty({ type: 'integer', minimum: 0, description: 'The size of its SQL in bytes.', example: 2048 })
  bytes!: number;
}

export class VersionFileWithSqlDto extends VersionFileDto {
  @ApiProperty({ example: 'CREATE TABLE products (id bigint PRIMARY KEY);' })
  sql!: string;
}

class VersionHead {
  @ApiProperty({ format: 'uuid', example: '7c1f2f0e-6a44-4f6a-9a2f-0c5d7b1e9d10' })
  template_id!: string;

  @ApiProperty({ type: 'integer', minimum: 1, example: 3 })
  number!: number;

  @ApiProperty({
    description: 'SHA-256 of the files with their names and kinds, hexadecimal.',
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
  checksum!: string;

  @ApiProperty({ example: 'Colours of products' })
  description!: string;

  @ApiProperty({
    description: 'Whether it runs in one transaction, else statement by statement.',
    example: true,
  })
  transactional!: boolean;

  @ApiProperty({
    type: [String],
    nullable: true,
    description:
      'The extensions that a database needs for it and the versions before it, as its trial found them. A database gets them before its first tenant has the version. Null for a version from before this was looked at, until somebody needs it.',
    example: ['citext'],
  })
  extensions!: string[] | null;

  @ApiProperty({ description: 'The public id of the API key that added it.', example: 'a1b2c3d4' })
  created_by!: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T12:00:00.000Z' })
  created_at!: string;
}

/** A version of a template, without its SQL. It never changes. */
export class TemplateVersionDto extends VersionHead {
  @ApiProperty({ type: [VersionFileDto], description: 'In the order in which they run.' })
  files!: VersionFileDto[];
}

/** A version of a template. It never changes. */
export class TemplateVersionWithSqlDto extends VersionHead {
  @ApiProperty({ type: [VersionFileWithSqlDto], description: 'In the order in which they run.' })
  files!: VersionFileWithSqlDto[];
}
