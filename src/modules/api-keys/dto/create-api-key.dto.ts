import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsString,
  IsUUID,
  Length,
  Matches,
  ValidateIf,
} from 'class-validator';
import { IsCidr } from '../../../http/cidr.validation.js';
import { SCOPES, type Scope } from '../../../http/scopes.js';

const MAX_TENANTS = 500;
const MAX_CIDRS = 50;
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
    description:
      'Binds the key to these tenants: it sees nothing of others, and no route but those of tenants. For all unless given',
    type: [String],
    format: 'uuid',
    minItems: 1,
    maxItems: MAX_TENANTS,
    uniqueItems: true,
    example: ['7c9e6679-7425-40de-944b-e07fc1f90ae7'],
  })
  @ValidateIf((dto: CreateApiKeyDto) => dto.tenantIds !== undefined)
  @IsArray({ message: 'must be a list' })
  @ArrayNotEmpty({ message: 'must name at least one tenant; leave it out for a key of all tenants' })
  @ArrayMaxSize(MAX_TENANTS, { message: `must have at most ${MAX_TENANTS} items` })
  @ArrayUnique({ message: 'must not name a tenant twice' })
  @IsUUID(undefined, { each: true, message: 'each must be the UUID of a tenant' })
  tenantIds?: string[];

  @ApiPropertyOptional({
    description:
      'The addresses and networks that the key may be used from, normalised (`203.0.113.5` is `203.0.113.5/32`). From anywhere unless given',
    type: [String],
    maxItems: MAX_CIDRS,
    example: ['203.0.113.0/24', '2001:db8::/48'],
  })
  @ValidateIf((dto: CreateApiKeyDto) => dto.allowedCidrs !== undefined)
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MAX_CIDRS, { message: `must have at most ${MAX_CIDRS} items` })
  @IsCidr({ each: true })
  allowedCidrs?: string[];

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
