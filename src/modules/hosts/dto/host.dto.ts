import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min, ValidateIf } from 'class-validator';
import type { HostRole, HostStatus } from '../hosts.repository.js';

export const MAX_TENANTS = 5_000;
const HOST_STATUSES = ['preparing', 'ready', 'failed'] as const satisfies readonly HostStatus[];
const HOST_ROLES = ['app', 'readonly'] as const satisfies readonly HostRole[];

export class HostDatabaseDto {
  @ApiPropertyOptional({
    description:
      'How many tenant schemas it may hold. Beyond about 500 of 50 tables, catalogs, dumps and crash recovery grow unpleasant.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_TENANTS,
    default: 500,
    example: 500,
  })
  @ValidateIf((dto: HostDatabaseDto) => dto.maxTenants !== undefined)
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_TENANTS, { message: `must be at most ${MAX_TENANTS}` })
  maxTenants?: number;
}

export class PatchHostDto extends HostDatabaseDto {}

export class RotateHostCredentialsDto {
  @ApiProperty({
    description: 'Whose password: that of `_app` or of `_readonly`.',
    enum: HOST_ROLES,
    example: 'app',
  })
  @IsIn(HOST_ROLES, { message: `must be one of ${HOST_ROLES.join(', ')}` })
  role!: HostRole;
}

export class HostQuery {
  @ApiPropertyOptional({
    description: 'Whether the passwords are shown. Needs the scope `credentials:read` and is audited.',
    type: Boolean,
    default: false,
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'reveal must be true or false' })
  reveal = false;
}

/** A login that works in all tenants of a host. */
export class HostLoginDto {
  @ApiProperty({ example: 'tenant_0a1b2c3d_app' })
  username!: string;

  @ApiPropertyOptional({
    description: 'In the answer that made it, and with `reveal=true`.',
    example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU',
  })
  password?: string;

  @ApiProperty({
    description: 'Direct to PostgreSQL.',
    example: 'postgresql://tenant_0a1b2c3d_app:***@127.0.0.1:5432/tenant_0a1b2c3d?sslmode=require',
  })
  connection_string!: string;

  @ApiProperty({
    description:
      "Through PgBouncer in transaction mode; null on a server without a pooler. `pgbouncer` is Prisma's parameter, which libpq refuses.",
    type: String,
    nullable: true,
    example:
      'postgresql://tenant_0a1b2c3d_app:***@127.0.0.1:6432/tenant_0a1b2c3d?sslmode=require&pgbouncer=true',
  })
  connection_string_pooled!: string | null;
}

/** A database that hosts tenant schemas. */
export class HostDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  id!: string;

  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  database_id!: string;

  @ApiProperty({ example: 'tenant_0a1b2c3d' })
  database_name!: string;

  @ApiProperty({
    description: '`preparing`: being made. `ready`: takes tenants. `failed`: ask for it again.',
    enum: HOST_STATUSES,
    enumName: 'HostStatus',
    example: 'ready',
  })
  status!: HostStatus;

  @ApiProperty({
    description: 'The group that places tenants in it; null for one that only callers choose.',
    type: String,
    nullable: true,
    example: 'default',
  })
  host_group!: string | null;

  @ApiProperty({ type: 'integer', example: 12 })
  tenants!: number;

  @ApiProperty({ type: 'integer', example: 500 })
  max_tenants!: number;

  @ApiProperty({
    description:
      'For applications: it may do nothing until `SET LOCAL ROLE` makes it a tenant for one transaction, as `rowhouse/tenancy` does.',
    type: HostLoginDto,
  })
  app!: HostLoginDto;

  @ApiProperty({ description: "For reports: it reads every tenant's tables.", type: HostLoginDto })
  readonly!: HostLoginDto;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
}
