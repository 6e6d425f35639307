import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsString,
  Length,
  Matches,
  ValidateIf,
} from 'class-validator';
import { SCOPES, type Scope } from '../../../http/scopes.js';

const PRINTABLE = /^(?!\s)[^\p{Cc}\p{Cs}\p{Co}\p{Cn}]*(?<!\s)$/u;

export class CreateApiKeyDto {
  @ApiProperty({ description: 'What people call it', minLength: 1, maxLength: 100, example: 'deploy' })
  @IsString({ message: 'must be a string' })
  @Length(1, 100, { message: 'must have 1 to 100 characters' })
  @Matches(PRINTABLE, { message: 'must be printable text without spaces at its ends' })
  name!: string;

  @ApiProperty({
    description: 'What the key may do; only what the key that makes it may do too. `*` is everything',
    enum: SCOPES,
    enumName: 'Scope',
    isArray: true,
    minItems: 1,
    uniqueItems: true,
    example: ['databases:read', 'databases:write'],
  })
  @IsArray({ message: 'must be a list' })
  @ArrayNotEmpty({ message: 'must name at least one scope' })
  @ArrayMaxSize(SCOPES.length, { message: `must have at most ${SCOPES.length} items` })
  @ArrayUnique({ message: 'must not name a scope twice' })
  @IsIn(SCOPES, { each: true, message: `each must be one of ${SCOPES.join(', ')}` })
  scopes!: Scope[];

  @ApiPropertyOptional({
    description: 'When it stops working; never unless given',
    format: 'date-time',
    example: '2035-01-31T12:00:00Z',
  })
  @ValidateIf((dto: CreateApiKeyDto) => dto.expiresAt !== undefined)
  @IsISO8601(
    { strict: true, strictSeparator: true },
    { message: 'must be a time such as 2035-01-31T12:00:00Z' },
  )
  @Matches(/(Z|[+-]\d{2}:\d{2})$/, { message: 'must say its time zone, such as Z' })
  expiresAt?: string;
}
