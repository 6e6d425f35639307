import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  type ApiPropertyOptions,
  getSchemaPath,
} from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, ValidateIf } from 'class-validator';
import { MAX_RULES } from '../whitelist-rule.js';
import { Description, ExpiresAt, Force, Network, RuleList, RuleReferences } from './fields.js';

export class NewRuleDto {
  @Network()
  ipAddress!: string;

  @Description()
  description?: string;

  @ExpiresAt()
  expiresAt?: string;
}

export class AddRuleDto extends NewRuleDto {
  @Force()
  force?: boolean;
}

const RULE_OR_NETWORK: ApiPropertyOptions = {
  type: 'array',
  maxItems: MAX_RULES,
  items: {
    oneOf: [{ $ref: getSchemaPath(NewRuleDto) }, { type: 'string', description: 'The network alone' }],
  },
  example: ['203.0.113.5', { ipAddress: '2001:db8::/48', description: 'Office in Berlin' }],
};

/** What is in neither list stays as it is. */
@ApiExtraModels(NewRuleDto)
export class PatchWhitelistDto {
  @ApiPropertyOptional({ ...RULE_OR_NETWORK, description: 'Rules to add; networks that the list lacks.' })
  @ValidateIf((dto: PatchWhitelistDto) => dto.add !== undefined)
  @RuleList('add', NewRuleDto)
  add?: NewRuleDto[];

  @ApiPropertyOptional({
    description: 'Rules to take away, by id or by network. They go first: a network may be added anew.',
    type: [String],
    maxItems: MAX_RULES,
    example: ['198.51.100.0/24'],
  })
  @ValidateIf((dto: PatchWhitelistDto) => dto.remove !== undefined)
  @RuleReferences()
  remove?: string[];

  @Force()
  force?: boolean;
}

@ApiExtraModels(NewRuleDto)
export class ReplaceWhitelistDto {
  @ApiProperty({
    ...RULE_OR_NETWORK,
    description:
      'The whole list. Rules whose network was in it keep their id; what is not in it any more is taken away.',
  })
  @RuleList('rules', NewRuleDto)
  rules!: NewRuleDto[];

  @Force()
  force?: boolean;
}

export class RemoveRuleQuery {
  @ApiPropertyOptional({
    description: 'Whether it is taken away also when that shuts out the address that asks for it.',
    type: Boolean,
    default: false,
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'force must be true or false' })
  force = false;
}

export class CheckAddressDto {
  @ApiProperty({ description: 'The address of a client; no network.', example: '203.0.113.5' })
  @IsString({ message: 'must be a string' })
  ipAddress!: string;

  @ApiPropertyOptional({
    description: "The direct port (PostgreSQL's) or the pooled one (PgBouncer's); both unless given.",
    type: 'integer',
    example: 5432,
  })
  @ValidateIf((dto: CheckAddressDto) => dto.port !== undefined)
  @IsInt({ message: 'must be a whole number' })
  port?: number;

  @ApiPropertyOptional({
    description:
      'The login: its own one, also while a rotation lets two work, or that of a role, which may have networks of its own. Its current own login unless given.',
    example: 'tenant_5f0c1d2e_reporting',
  })
  @ValidateIf((dto: CheckAddressDto) => dto.username !== undefined)
  @IsString({ message: 'must be a string' })
  username?: string;
}
