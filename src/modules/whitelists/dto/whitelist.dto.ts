import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { OperationDto } from '../../../operations/operation.dto.js';
import { HOME_ACCESS, type HomeAccess } from '../../../provisioning/access/home-access.js';
import { RULE_STATUSES, type RuleStatus } from '../whitelist-rule.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';

/** A network that may reach a home. */
export class WhitelistRuleDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({
    description: 'The database whose list it is in; null for a rule of a tenant schema.',
    type: String,
    format: 'uuid',
    nullable: true,
    example: EXAMPLE_ID,
  })
  database_id!: string | null;

  @ApiProperty({
    description: 'The tenant whose list it is in; null for a rule of a database, a tenant’s own one too.',
    type: String,
    format: 'uuid',
    nullable: true,
    example: null,
  })
  tenant_id!: string | null;

  @ApiProperty({ description: 'The network in canonical CIDR notation.', example: '203.0.113.5/32' })
  ip_address!: string;

  @ApiProperty({ example: 'Office in Berlin' })
  description!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  expires_at!: string | null;

  @ApiProperty({
    description:
      '`stored`: not yet seen in force on both ports. `applied`: in force on both. `removing`: taken away, and in force until both ports were seen without it. `expired`: admits nobody any more.',
    enum: RULE_STATUSES,
    enumName: 'WhitelistRuleStatus',
    example: 'applied',
  })
  status!: RuleStatus;

  @ApiProperty({
    description: 'When both ports were seen to have it.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-01-31T12:00:00.000Z',
  })
  applied_at!: string | null;

  @ApiProperty({ description: 'The name of the API key that added it.', example: 'admin' })
  created_by!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
}

const ACCESS = {
  description:
    'Who gets in now: `open`: everybody, with TLS. `restricted`: the networks of the list. `closed`: nobody.',
  enum: HOME_ACCESS,
  enumName: 'HomeAccess',
  example: 'restricted',
} as const;

const WARNING = {
  description:
    'What the caller should know: that their own address does not get in, or that everybody does. Null when there is nothing.',
  type: String,
  nullable: true,
  example: null,
} as const;

const OVERLAPS: ApiPropertyOptions = {
  description: 'The networks of the list that have addresses in common with one that was added.',
  type: [String],
  example: ['203.0.113.0/24'],
};

/** A rule that was added. */
export class AddedRuleDto extends WhitelistRuleDto {
  @ApiProperty(OVERLAPS)
  overlaps!: string[];

  @ApiProperty(WARNING)
  warning!: string | null;
}

/** A list after a change. */
export class WhitelistDto {
  @ApiProperty({ description: 'Oldest first; those of one change by network.', type: [WhitelistRuleDto] })
  rules!: WhitelistRuleDto[];

  @ApiProperty(ACCESS)
  access!: HomeAccess;

  @ApiProperty(OVERLAPS)
  overlaps!: string[];

  @ApiProperty(WARNING)
  warning!: string | null;
}

/** A rule that is gone. */
export class RemovedRuleDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: '203.0.113.5/32' })
  ip_address!: string;

  @ApiProperty({ enum: ['removed'], example: 'removed' })
  status!: 'removed';

  @ApiProperty(ACCESS)
  access!: HomeAccess;

  @ApiProperty(WARNING)
  warning!: string | null;
}

/** An operation that goes on, with the list that it puts in force. */
export class WhitelistOperationDto extends OperationDto {
  @ApiPropertyOptional({
    description: 'The list as it is stored; it is in force once the operation has succeeded.',
    type: [WhitelistRuleDto],
  })
  rules?: WhitelistRuleDto[];
}

/** The rule that lets an address in. */
export class MatchingRuleDto {
  @ApiProperty({
    description: 'Null for a network that the role was made with.',
    type: String,
    format: 'uuid',
    nullable: true,
    example: EXAMPLE_ID,
  })
  id!: string | null;

  @ApiProperty({ example: '203.0.113.0/24' })
  ip_address!: string;

  @ApiProperty({ example: 'Office in Berlin' })
  description!: string;
}

export const CHECK_REASONS = [
  'open',
  'rule',
  'peer',
  'no_rule',
  'closed',
  'suspended',
  'not_active',
] as const;
export type CheckReason = (typeof CHECK_REASONS)[number];

/** Whether an address gets in through one port. */
export class PortCheckDto {
  @ApiProperty({ type: 'integer', example: 5432 })
  port!: number;

  @ApiProperty({
    description: "`direct`: PostgreSQL's. `pooled`: PgBouncer's.",
    enum: ['direct', 'pooled'],
    enumName: 'AccessPort',
    example: 'direct',
  })
  kind!: 'direct' | 'pooled';

  @ApiProperty({ example: true })
  allowed!: boolean;

  @ApiProperty({
    description:
      "The rule that lets it in: of the home's own list, of its hosting database's, or of the role itself.",
    type: MatchingRuleDto,
    nullable: true,
  })
  rule!: MatchingRuleDto | null;

  @ApiProperty({
    description:
      '`open`: everybody gets in. `rule`: a rule admits it. `peer`: Rowhouse or the pooler itself. `no_rule`: no rule admits it. `closed`: nobody gets in. `suspended`: logins are refused from everywhere. `not_active`: being made or removed, or a login whose time is over.',
    enum: CHECK_REASONS,
    enumName: 'CheckReason',
    example: 'rule',
  })
  reason!: CheckReason;

  @ApiProperty({
    description: 'Whether it needs TLS; only 127.0.0.1 and ::1 may come without.',
    example: true,
  })
  tls_required!: boolean;

  @ApiProperty({
    description: 'Whether the ports do so already; false while a change is stored but not in force.',
    example: true,
  })
  in_force!: boolean;
}

/** Whether an address gets in. */
export class AddressCheckDto {
  @ApiProperty({ description: 'As it was understood.', example: '203.0.113.5' })
  ip_address!: string;

  @ApiProperty({ description: 'The login that was judged.', example: 'tenant_5f0c1d2e' })
  username!: string;

  @ApiProperty({ type: [PortCheckDto] })
  ports!: PortCheckDto[];
}
