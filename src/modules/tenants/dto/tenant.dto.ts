import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { OperationDto } from '../../../operations/operation.dto.js';
import { HOME_ACCESS, type HomeAccess } from '../../../provisioning/access/home-access.js';
import type { Isolation, TenantStatus } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { CONNECTION_FORMATS, type ConnectionFormat } from '../../databases/connection-strings.js';
import { PreviousDto } from '../../databases/dto/database.dto.js';
import { TENANT_STATUSES } from '../tenant-status.js';
import { ISOLATIONS } from './requests.dto.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';
const exampleUrl = (port: number, database: string) =>
  `postgresql://tenant_0001:***@127.0.0.1:${port}/${database}?sslmode=require`;

export class TenantStringsDto {
  @ApiProperty({
    description: 'Direct to PostgreSQL, in the database that holds the tenant: for sessions and dumps.',
    example: exampleUrl(5432, 'tenant_0a1b2c3d'),
  })
  connection_string!: string;

  @ApiProperty({
    description:
      'Through PgBouncer in transaction mode: for applications. A tenant schema has a name of its own there. Null on a server without a pooler. Prisma needs the schema as well: take the format `prisma`.',
    type: String,
    nullable: true,
    example: `${exampleUrl(6432, 'tenant_0001')}&pgbouncer=true`,
  })
  connection_string_pooled!: string | null;
}

/** The ways to connect to a tenant. */
export class TenantConnectionDto extends TenantStringsDto {
  @ApiProperty({ description: 'Whether the password is shown.', example: false })
  revealed!: boolean;

  @ApiPropertyOptional({ description: 'The format that was asked for.', enum: CONNECTION_FORMATS })
  format?: ConnectionFormat;

  @ApiPropertyOptional({
    description:
      'The same connections in that format, ready to be pasted. `prisma`, `typeorm`, `drizzle` and `env` verify the server: they expect the answer of `GET /api/ca-certificate` in `rowhouse-ca.crt`.',
    example: 'DATABASE_URL="postgresql://…"',
  })
  formatted?: string;
}

/** A tenant, without its password. */
export class TenantDto extends TenantStringsDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'corner-shop' })
  slug!: string;

  @ApiProperty({ example: 'Corner Shop Ltd' })
  name!: string;

  @ApiProperty({ enum: ISOLATIONS, enumName: 'Isolation', example: 'schema' })
  isolation!: Isolation;

  @ApiProperty({
    description:
      '`creating`: being made. `active`: in use. `suspended`: logins refused, data kept. `deleting`: being removed. `failed`: could not be removed; delete it again.',
    enum: TENANT_STATUSES,
    enumName: 'TenantStatus',
    example: 'active',
  })
  status!: TenantStatus;

  @ApiProperty({
    description: 'The hosting database, or its own; null while that is being removed.',
    type: String,
    format: 'uuid',
    nullable: true,
    example: EXAMPLE_ID,
  })
  database_id!: string | null;

  @ApiProperty({ description: 'The name of that database on the server.', example: 'tenant_0a1b2c3d' })
  database_name!: string;

  @ApiProperty({
    description: 'The schema of its tables; `public` in a database of its own. Never given twice.',
    example: 'tenant_0001',
  })
  schema_name!: string;

  @ApiProperty({ description: 'Its login.', example: 'tenant_0001' })
  username!: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: EXAMPLE_ID })
  template_id!: string | null;

  @ApiProperty({
    description: 'The template version that its tables have; 0 is none.',
    type: 'integer',
    example: 3,
  })
  template_version!: number;

  @ApiProperty({ description: 'Server connections, both ports together.', type: 'integer', example: 10 })
  max_connections!: number;

  @ApiProperty({
    description: 'Default statement_timeout in milliseconds; 0 is none.',
    type: 'integer',
    example: 30_000,
  })
  statement_timeout_ms!: number;

  @ApiProperty({
    description: 'Default lock_timeout in milliseconds; 0 is none.',
    type: 'integer',
    example: 10_000,
  })
  lock_timeout_ms!: number;

  @ApiProperty({
    description: 'Default idle_in_transaction_session_timeout in milliseconds; 0 is none.',
    type: 'integer',
    example: 60_000,
  })
  idle_in_transaction_timeout_ms!: number;

  @ApiProperty({ example: false })
  deletion_protection!: boolean;

  @ApiProperty({
    description: 'Who gets in while the whitelist is empty, as asked for; null: as the server is configured.',
    type: Boolean,
    nullable: true,
    example: null,
  })
  external_access!: boolean | null;

  @ApiProperty({
    description:
      'Who gets in: `open`: everybody, with TLS. `restricted`: the networks of its whitelist, or of its hosting database, alone. `closed`: nobody.',
    enum: HOME_ACCESS,
    enumName: 'HomeAccess',
    example: 'open',
  })
  access!: HomeAccess;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { plan: 'gold' } })
  metadata!: Readonly<Record<string, unknown>>;

  @ApiProperty({
    description: 'The tenant it was cloned from.',
    type: String,
    format: 'uuid',
    nullable: true,
    example: null,
  })
  cloned_from!: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

/** A tenant with its password: the answer that made the password, and the only one that shows it unasked. */
export class TenantWithPasswordDto extends TenantDto {
  @ApiProperty({
    description: 'Shown in this answer only, also inside the strings.',
    example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU',
  })
  password!: string;
}

/** A tenant that is gone. */
export class DeletedTenantDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'corner-shop' })
  slug!: string;

  @ApiProperty({ example: 'tenant_0001' })
  schema_name!: string;

  @ApiProperty({ enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';
}

/** Fresh credentials. */
export class TenantCredentialsDto extends TenantStringsDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'tenant_0001' })
  username!: string;

  @ApiProperty({ description: 'Shown in this answer only.', example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU' })
  password!: string;
}

/** Fresh credentials, and what becomes of the old ones. */
export class RotatedTenantCredentialsDto extends TenantCredentialsDto {
  @ApiProperty({
    description: 'The login that goes on working for the grace; null without one.',
    type: PreviousDto,
    nullable: true,
  })
  previous!: PreviousDto | null;
}

/** An operation that goes on, with the credentials that it puts in force. */
export class TenantCredentialsOperationDto extends OperationDto {
  @ApiPropertyOptional({
    description: 'Shown in this answer only; they work once the operation has succeeded.',
    type: TenantCredentialsDto,
  })
  credentials?: TenantCredentialsDto;
}
