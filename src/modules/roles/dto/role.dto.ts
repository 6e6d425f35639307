import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { OperationDto } from '../../../operations/operation.dto.js';
import {
  ACCESS_LEVELS,
  type Access,
  LOGIN_STATUSES,
  type LoginStatus,
} from '../../../provisioning/logins/login-store.js';

const EXAMPLE_ID = '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10';
const EXAMPLE_USER = 'user_0a1b2c3d_reporting';
const exampleUrl = (port: number, database: string) =>
  `postgresql://${EXAMPLE_USER}:***@127.0.0.1:${port}/${database}?sslmode=require`;

/** A further role of a tenant, without its password. */
export class RoleDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'reporting' })
  name!: string;

  @ApiProperty({ description: 'What it logs in as.', example: EXAMPLE_USER })
  username!: string;

  @ApiProperty({ enum: ACCESS_LEVELS, enumName: 'RoleAccess', example: 'readonly' })
  access!: Access;

  @ApiProperty({
    description:
      '`creating`: being made. `active`: in use, unless its home is suspended. `deleting`: being removed. `failed`: could not be removed; delete it again.',
    enum: LOGIN_STATUSES,
    enumName: 'RoleStatus',
    example: 'active',
  })
  status!: LoginStatus;

  @ApiProperty({ description: 'Server connections, both ports together.', type: 'integer', example: 5 })
  max_connections!: number;

  @ApiProperty({
    description: 'From where it may come; null is the whitelist of its home.',
    type: [String],
    nullable: true,
    example: ['203.0.113.0/24'],
  })
  allowed_cidrs!: string[] | null;

  @ApiProperty({
    description: 'When it ends; null is never.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
  })
  expires_at!: string | null;

  @ApiProperty({ description: 'Direct to PostgreSQL.', example: exampleUrl(5432, 'tenant_0a1b2c3d') })
  connection_string!: string;

  @ApiProperty({
    description: 'Through PgBouncer in transaction mode; null on a server without a pooler.',
    type: String,
    nullable: true,
    example: `${exampleUrl(6432, 'tenant_0a1b2c3d')}&pgbouncer=true`,
  })
  connection_string_pooled!: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

/** A further role of a database, without its password. */
export class DatabaseRoleDto extends RoleDto {
  @ApiProperty({
    description: "Prisma's shadow database; null for a role that is no owner, since it may not enter that.",
    type: String,
    nullable: true,
    example: null,
  })
  shadow_database_url!: string | null;

  @ApiProperty({
    description: 'The shadow database through PgBouncer; null on a server without a pooler as well.',
    type: String,
    nullable: true,
    example: null,
  })
  shadow_database_url_pooled!: string | null;
}

class PasswordDto {
  @ApiProperty({
    description: 'Shown in this answer only, also inside the strings.',
    example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU',
  })
  password!: string;
}

/** A role with its password: the answer that made the password, and the only one that shows it unasked. */
export class RoleWithPasswordDto extends IntersectionType(RoleDto, PasswordDto) {}

/** A role of a database with its password. */
export class DatabaseRoleWithPasswordDto extends IntersectionType(DatabaseRoleDto, PasswordDto) {}

/** An operation that goes on, with the credentials that it puts in force. */
export class RoleOperationDto extends OperationDto {
  @ApiPropertyOptional({
    description: 'Shown in this answer only; they work once the operation has succeeded.',
    type: RoleWithPasswordDto,
  })
  credentials?: RoleWithPasswordDto;
}

/** The same of a database. */
export class DatabaseRoleOperationDto extends OperationDto {
  @ApiPropertyOptional({
    description: 'Shown in this answer only; they work once the operation has succeeded.',
    type: DatabaseRoleWithPasswordDto,
  })
  credentials?: DatabaseRoleWithPasswordDto;
}

/** A role that is gone. */
export class DeletedRoleDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: EXAMPLE_USER })
  username!: string;

  @ApiProperty({ enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';
}
