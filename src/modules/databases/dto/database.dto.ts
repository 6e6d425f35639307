import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { OperationDto } from '../../../operations/operation.dto.js';
import { HOME_ACCESS, type HomeAccess } from '../../../provisioning/access/home-access.js';
import { CONNECTION_FORMATS, type ConnectionFormat } from '../connection-strings.js';
import { DATABASE_STATUSES, type DatabaseStatus } from '../database-status.js';

const EXAMPLE_NAME = 'tenant_0a1b2c3d';
const EXAMPLE_USER = 'user_0a1b2c3d';
const exampleUrl = (port: number, database: string, query: string) =>
  `postgresql://${EXAMPLE_USER}:***@127.0.0.1:${port}/${database}?${query}`;

export class ConnectionStringsDto {
  @ApiProperty({
    description:
      'Direct to PostgreSQL: for migrations, pg_dump and sessions. A tenant in a schema is dumped with `pg_dump -n <schema_name>`; a readonly role leaves large objects out with `--no-blobs`.',
    example: exampleUrl(5432, EXAMPLE_NAME, 'sslmode=require'),
  })
  connection_string!: string;

  @ApiProperty({
    description:
      "Through PgBouncer in transaction mode: for applications. `pgbouncer` is Prisma's parameter, which libpq refuses: psql takes the format `libpq`. Null on a server without a pooler.",
    type: String,
    nullable: true,
    example: exampleUrl(6432, EXAMPLE_NAME, 'sslmode=require&pgbouncer=true'),
  })
  connection_string_pooled!: string | null;

  @ApiProperty({
    description: "Prisma's shadow database, a separate one; made by `POST …/shadow`.",
    example: exampleUrl(5432, `${EXAMPLE_NAME}_shadow`, 'sslmode=require&schema=public'),
  })
  shadow_database_url!: string;

  @ApiProperty({
    description: 'The shadow database through PgBouncer; null on a server without a pooler.',
    type: String,
    nullable: true,
    example: exampleUrl(6432, `${EXAMPLE_NAME}_shadow`, 'sslmode=require&schema=public&pgbouncer=true'),
  })
  shadow_database_url_pooled!: string | null;
}

/** The ways to connect to a database. */
export class DatabaseConnectionDto extends ConnectionStringsDto {
  @ApiProperty({ description: 'Whether the password is shown.', example: false })
  revealed!: boolean;

  @ApiProperty({ description: 'Whether the shadow database has been made.', example: false })
  shadow_exists!: boolean;

  @ApiPropertyOptional({ description: 'The format that was asked for.', enum: CONNECTION_FORMATS })
  format?: ConnectionFormat;

  @ApiPropertyOptional({
    description:
      'The same connections in that format, ready to be pasted. `prisma`, `typeorm`, `drizzle` and `env` verify the server: they expect the answer of `GET /api/ca-certificate` in `rowhouse-ca.crt`.',
    example: 'DATABASE_URL="postgresql://…"',
  })
  formatted?: string;
}

/** A managed database, without its password. */
export class DatabaseDto extends ConnectionStringsDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  id!: string;

  @ApiProperty({ description: 'Its name on the server.', example: EXAMPLE_NAME })
  database_name!: string;

  @ApiProperty({
    description:
      'The login that the strings have: the role that owns it, or the second one that takes turns with it in rotations.',
    example: EXAMPLE_USER,
  })
  username!: string;

  @ApiProperty({ format: 'email', example: 'ops@example.com' })
  owner_email!: string;

  @ApiProperty({ example: 'Shop production' })
  friendly_name!: string;

  @ApiProperty({ description: 'Server connections, both ports together.', type: 'integer', example: 20 })
  max_connections!: number;

  @ApiProperty({
    description:
      '`creating`: being made. `active`: in use. `suspended`: logins refused, data kept. `deleting`: being removed. `failed`: could not be removed; delete it again.',
    enum: DATABASE_STATUSES,
    enumName: 'DatabaseStatus',
    example: 'active',
  })
  status!: DatabaseStatus;

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

  @ApiProperty({ description: 'The extensions that were asked for.', type: [String], example: ['pgcrypto'] })
  extensions!: string[];

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
      'Who gets in: `open`: everybody, with TLS. `restricted`: the networks of the whitelist alone. `closed`: nobody.',
    enum: HOME_ACCESS,
    enumName: 'HomeAccess',
    example: 'open',
  })
  access!: HomeAccess;

  @ApiProperty({
    description: 'When its shadow database was made; null while there is none.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
  })
  shadow_created_at!: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

/** A database with its password: the answer that made the password, and the only one that shows it unasked. */
export class DatabaseWithPasswordDto extends DatabaseDto {
  @ApiPropertyOptional({
    description:
      'Shown in this answer only, also inside the strings. Absent when the database was there before.',
    example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU',
  })
  password?: string;
}

/** A database that is gone. */
export class DeletedDatabaseDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  id!: string;

  @ApiProperty({ example: EXAMPLE_NAME })
  database_name!: string;

  @ApiProperty({ enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';
}

/** Fresh credentials. */
export class CredentialsDto extends ConnectionStringsDto {
  @ApiProperty({ format: 'uuid', example: '0b8f7c52-6f0e-4c53-9f6c-2f1f3a2f9f10' })
  id!: string;

  @ApiProperty({ example: EXAMPLE_USER })
  username!: string;

  @ApiProperty({ description: 'Shown in this answer only.', example: 'mT4v0Zq8RkX2bN6cYp1LsW9dHfJ3gAeU' })
  password!: string;
}

/** The login of before a rotation. */
export class PreviousDto {
  @ApiProperty({ example: EXAMPLE_USER })
  username!: string;

  @ApiProperty({
    description: 'Until when it works at the latest.',
    format: 'date-time',
    example: '2026-01-31T13:00:00.000Z',
  })
  ends_at!: string;
}

/** Fresh credentials, and what becomes of the old ones. */
export class RotatedCredentialsDto extends CredentialsDto {
  @ApiProperty({
    description: 'The login that goes on working for the grace; null without one.',
    type: PreviousDto,
    nullable: true,
  })
  previous!: PreviousDto | null;
}

/** An operation that goes on, with the credentials that it puts in force. */
export class CredentialsOperationDto extends OperationDto {
  @ApiPropertyOptional({
    description: 'Shown in this answer only; they work once the operation has succeeded.',
    type: CredentialsDto,
  })
  credentials?: CredentialsDto;
}
