import { ApiProperty } from '@nestjs/swagger';

export class CurrentLoginDto {
  @ApiProperty({ description: 'The name that the connection strings have.', example: 'user_0a1b2c3d' })
  username!: string;

  @ApiProperty({
    description: 'Since when its password is in force.',
    format: 'date-time',
    example: '2026-01-31T12:00:00.000Z',
  })
  since!: string;
}

export class LoginSessionDto {
  @ApiProperty({
    description: "`direct` is PostgreSQL's port, `pooled` PgBouncer's.",
    enum: ['direct', 'pooled'],
    example: 'pooled',
  })
  port!: 'direct' | 'pooled';

  @ApiProperty({
    description: "The client's address; null over a Unix socket.",
    type: String,
    nullable: true,
    example: '203.0.113.5',
  })
  address!: string | null;

  @ApiProperty({ description: 'What the client calls itself.', example: 'billing-worker' })
  application_name!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  since!: string;
}

export class LoginSessionsDto {
  @ApiProperty({ description: "Clients on PostgreSQL's own port.", type: 'integer', example: 1 })
  direct!: number;

  @ApiProperty({ description: "Clients on the pooler's port.", type: 'integer', example: 12 })
  pooled!: number;

  @ApiProperty({ description: 'The oldest 100 of them.', type: [LoginSessionDto] })
  list!: LoginSessionDto[];
}

export class PreviousLoginDto {
  @ApiProperty({ description: 'The login that still works.', example: 'user_0a1b2c3d' })
  username!: string;

  @ApiProperty({
    description: 'When it is refused on both ports at the latest, and its sessions end.',
    format: 'date-time',
    example: '2026-01-31T13:00:00.000Z',
  })
  ends_at!: string;

  @ApiProperty({
    description: 'Whether it ends earlier, when no session of it was seen for 60 seconds.',
    example: false,
  })
  ends_when_unused!: boolean;

  @ApiProperty({ description: 'Who still uses it.' })
  sessions!: LoginSessionsDto;
}

/** The logins of a home. */
export class LoginsDto {
  @ApiProperty()
  current!: CurrentLoginDto;

  @ApiProperty({
    description: 'The login of before the last rotation, while its grace lasts; else null.',
    type: PreviousLoginDto,
    nullable: true,
  })
  previous!: PreviousLoginDto | null;
}
