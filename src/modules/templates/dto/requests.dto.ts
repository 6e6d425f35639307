import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { ListQuery, toInteger } from '../../../http/pagination.js';
import { TEMPLATE_STATUSES, type TemplateStatus } from '../template.js';
import { Description, TemplateName, VersionContentDto } from './fields.js';

export class CreateTemplateDto extends VersionContentDto {
  @TemplateName()
  name!: string;

  @Description('What the template is for')
  description?: string;
}

/** What is left out stays as it is. */
export class PatchTemplateDto {
  @Description('What the template is for')
  description?: string;
}

export class AddVersionDto extends VersionContentDto {
  @Description('What the version changes')
  description?: string;
}

export class ListTemplatesQuery extends ListQuery {
  @ApiPropertyOptional({
    description: 'Only those in this status.',
    enum: TEMPLATE_STATUSES,
    enumName: 'TemplateStatus',
  })
  @IsOptional()
  @IsIn(TEMPLATE_STATUSES, { message: `status must be one of ${TEMPLATE_STATUSES.join(', ')}` })
  status?: TemplateStatus;

  @ApiPropertyOptional({ description: 'Only the one of this name.', example: 'pos' })
  @IsOptional()
  @IsString({ message: 'name must be a string' })
  @Length(1, 63, { message: 'name must have 1 to 63 characters' })
  name?: string;
}

const MAX_VERSION = 2_147_483_647;

function VersionNumber(name: string, minimum: number) {
  const message = `${name} must be a whole number from ${minimum}`;
  return (target: object, key: string) => {
    IsOptional()(target, key);
    Transform(({ value }) => toInteger(value))(target, key);
    IsInt({ message })(target, key);
    Min(minimum, { message })(target, key);
    Max(MAX_VERSION, { message })(target, key);
  };
}

export class DiffQuery {
  @ApiPropertyOptional({
    description: 'The version to start from; 0 is an empty schema. The default is the one before `to`.',
    type: 'integer',
    minimum: 0,
  })
  @VersionNumber('from', 0)
  from?: number;

  @ApiPropertyOptional({
    description: 'The version to arrive at, after `from`. The default is the newest.',
    type: 'integer',
    minimum: 1,
  })
  @VersionNumber('to', 1)
  to?: number;
}

export class DriftQuery {
  @ApiPropertyOptional({
    description: 'Only tenants that have this version.',
    type: 'integer',
    minimum: 0,
  })
  @VersionNumber('version', 0)
  version?: number;

  @ApiPropertyOptional({
    description: 'How many tenants with differences are named; the summary counts all.',
    type: 'integer',
    minimum: 1,
    maximum: 200,
    default: 50,
  })
  @IsOptional()
  @Transform(({ value }) => toInteger(value))
  @IsInt({ message: 'limit must be an integer from 1 to 200' })
  @Min(1, { message: 'limit must be an integer from 1 to 200' })
  @Max(200, { message: 'limit must be an integer from 1 to 200' })
  limit = 50;
}
