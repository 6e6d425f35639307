import { ApiProperty } from '@nestjs/swagger';
import { TemplateVersionWithSqlDto } from './template-version.dto.js';

export class ObjectChangeDto {
  @ApiProperty({
    description: 'What it is, and its name without the schema.',
    example: 'column products.colour',
  })
  object!: string;

  @ApiProperty({ enum: ['added', 'removed', 'changed'], example: 'added' })
  kind!: 'added' | 'removed' | 'changed';

  @ApiProperty({ type: String, nullable: true, description: 'Its definition in `from`.', example: null })
  before!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Its definition in `to`.', example: 'text' })
  after!: string | null;
}

/** What lies between two versions of a template. */
export class TemplateDiffDto {
  @ApiProperty({ type: 'integer', minimum: 0, example: 1 })
  from!: number;

  @ApiProperty({ type: 'integer', minimum: 1, example: 2 })
  to!: number;

  @ApiProperty({ type: [TemplateVersionWithSqlDto], description: 'The versions after `from` up to `to`.' })
  versions!: TemplateVersionWithSqlDto[];

  @ApiProperty({
    type: [ObjectChangeDto],
    description:
      'How a schema of `to` differs from one of `from`: tables, columns, indexes, constraints, triggers, policies, views, functions, types, sequences. Both are made for the comparison. Of a whole new table its parts are not named too.',
  })
  objects!: ObjectChangeDto[];
}
