import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { CONNECTION_FORMATS, type ConnectionFormat } from '../connection-strings.js';
import { Optional } from './fields.js';

export const MAX_GRACE_SECONDS = 604_800;
const GRACE = `must be a whole number of seconds from 0 to ${MAX_GRACE_SECONDS}`;

export class RotateCredentialsDto {
  @ApiPropertyOptional({
    description:
      'For how many seconds the old login goes on working beside the new one, a week at most. The new password then belongs to another user name, whose connections count apart, and which acts as the role that owns everything. With 0 the name stays, the old password is refused at once, and a grace that was under way ends.',
    type: 'integer',
    minimum: 0,
    maximum: MAX_GRACE_SECONDS,
    default: 0,
    example: 3_600,
  })
  @Optional('graceSeconds')
  @IsInt({ message: GRACE })
  @Min(0, { message: GRACE })
  @Max(MAX_GRACE_SECONDS, { message: GRACE })
  graceSeconds?: number;

  @ApiPropertyOptional({
    description:
      'Whether the grace ends earlier, when no session of the old login was seen for 60 seconds. Needs graceSeconds.',
    default: false,
    example: true,
  })
  @Optional('endWhenUnused')
  @IsBoolean({ message: 'must be true or false' })
  endWhenUnused?: boolean;

  @ApiPropertyOptional({
    description:
      'Whether sessions that logged in with the old password are ended too. Only without graceSeconds: a grace ends them when it is over.',
    default: false,
    example: false,
  })
  @Optional('endSessions')
  @IsBoolean({ message: 'must be true or false' })
  endSessions?: boolean;
}

export class ConnectionStringsQuery {
  @ApiPropertyOptional({
    description: 'Whether the password is shown. Needs the scope `credentials:read` and is audited.',
    type: Boolean,
    default: false,
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'reveal must be true or false' })
  reveal = false;

  @ApiPropertyOptional({
    description: 'The words of one client library instead of the plain strings.',
    enum: CONNECTION_FORMATS,
  })
  @IsOptional()
  @IsIn(CONNECTION_FORMATS, { message: `format must be one of ${CONNECTION_FORMATS.join(', ')}` })
  format?: ConnectionFormat;
}

/** Extensions of a database. */
export class ExtensionsDto {
  @ApiProperty({
    description: 'Those that were asked for and are installed.',
    type: [String],
    example: ['pgcrypto'],
  })
  installed!: string[];

  @ApiProperty({
    description: 'Those of the allow-list that the server has.',
    type: [String],
    example: ['btree_gist', 'citext', 'hstore', 'pg_trgm', 'pgcrypto', 'uuid-ossp'],
  })
  available!: string[];
}
