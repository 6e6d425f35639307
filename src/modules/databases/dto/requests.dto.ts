import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { CONNECTION_FORMATS, type ConnectionFormat } from '../connection-strings.js';
import { Optional } from './fields.js';

export class RotateCredentialsDto {
  @ApiPropertyOptional({
    description:
      'Whether sessions that logged in with the old password are ended too. The old password itself is refused at once in either case.',
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
