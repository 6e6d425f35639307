import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsString,
  Length,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { Optional } from '../../databases/dto/fields.js';
import { MAX_FILES } from '../version-draft.js';

const FILE_NAME = /^(?![\s/])[^\p{Cc}\p{Cs}\\]+(?<![\s/])$/u;

export function TemplateName() {
  return applyDecorators(
    ApiProperty({
      description:
        'What people and scripts call it: unique, 1 to 63 lower-case letters, digits, `-` and `_`, beginning with a letter.',
      pattern: '^[a-z][a-z0-9_-]*$',
      minLength: 1,
      maxLength: 63,
      example: 'pos',
    }),
    IsString({ message: 'must be a string' }),
    Length(1, 63, { message: 'must have 1 to 63 characters' }),
    Matches(/^[a-z][a-z0-9_-]*$/, {
      message: 'must have lower-case letters, digits, - and _ only, and begin with a letter',
    }),
  );
}

export function Description(what: string) {
  return applyDecorators(
    ApiPropertyOptional({ description: `${what}, for people; 1000 characters at most.`, maxLength: 1000 }),
    Optional('description'),
    IsString({ message: 'must be a string' }),
    MaxLength(1000, { message: 'must have at most 1000 characters' }),
  );
}

/** One SQL file of a template version. */
export class TemplateFileDto {
  @ApiProperty({
    description: 'Unique in the version; error messages name it. 1 to 200 characters.',
    minLength: 1,
    maxLength: 200,
    example: '01_products.sql',
  })
  @IsString({ message: 'must be a string' })
  @Length(1, 200, { message: 'must have 1 to 200 characters' })
  @Matches(FILE_NAME, {
    message: 'must be printable text without backslashes, or spaces and slashes at its ends',
  })
  name!: string;

  @ApiProperty({
    description:
      'Statements as PostgreSQL 17 parses them, with unqualified names. What no template may do is refused with its line: transaction control, SET of roles or search_path, changes of schemas, roles, databases or the server, COPY, psql commands and others.',
    example:
      'CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);',
  })
  @IsString({ message: 'must be a string' })
  sql!: string;

  @ApiPropertyOptional({
    description:
      'A `seed` is left out when a tenant is cloned with its data. The default is `seed` when the name contains "seed", else `schema`.',
    enum: ['schema', 'seed'],
  })
  @Optional('kind')
  @IsIn(['schema', 'seed'], { message: 'must be schema or seed' })
  kind?: 'schema' | 'seed';
}

/** What a version consists of. */
export class VersionContentDto {
  @ApiPropertyOptional({
    description: `The version's files in the order in which they run; 1 to ${MAX_FILES}, 1 MiB altogether. Either this or \`sql\`.`,
    type: [TemplateFileDto],
  })
  @Optional('files')
  @IsArray({ message: 'must be a list' })
  @ArrayNotEmpty({ message: 'must not be empty' })
  @ArrayMaxSize(MAX_FILES, { message: `must have at most ${MAX_FILES} items` })
  @IsObject({ each: true, message: 'must be a list of objects' })
  @ValidateNested({ each: true })
  @Type(() => TemplateFileDto)
  files?: TemplateFileDto[];

  @ApiPropertyOptional({
    description: 'The whole version as one text, 1 MiB at most. Either this or `files`.',
    example: 'ALTER TABLE products ADD COLUMN colour text;',
  })
  @Optional('sql')
  @IsString({ message: 'must be a string' })
  sql?: string;

  @ApiPropertyOptional({
    description:
      'Whether the version runs in one transaction, which is the default. `false`, or a first line `-- rowhouse: no transaction` in a file, is for what cannot (PostgreSQL manual, CREATE INDEX: Building Indexes Concurrently): such a version has nothing but CREATE INDEX CONCURRENTLY with a name, DROP INDEX CONCURRENTLY, REINDEX … CONCURRENTLY, VACUUM, ANALYZE and ALTER TABLE … DETACH PARTITION … CONCURRENTLY. New tenants get the same without CONCURRENTLY.',
    default: true,
  })
  @Optional('transaction')
  @IsBoolean({ message: 'must be true or false' })
  transaction?: boolean;
}
