import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsString, Length, Max, Min } from 'class-validator';
import { Optional } from '../../databases/dto/fields.js';

const MAX_SQL_LENGTH = 500_000;
const MAX_PARAMETERS = 1_000;
export const MAX_TIMEOUT_MS = 300_000;
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** One SQL statement. */
export class RunSqlDto {
  @ApiProperty({
    description:
      'Exactly one statement, with `$1`, `$2` … for its parameters. It is a transaction of its own: COMMIT, ROLLBACK and the like (also AND CHAIN), COPY and what cannot run in a transaction (VACUUM) are refused.',
    minLength: 1,
    maxLength: MAX_SQL_LENGTH,
    example: 'SELECT id, name FROM products WHERE price < $1 ORDER BY name',
  })
  @IsString({ message: 'must be a string' })
  @Length(1, MAX_SQL_LENGTH, { message: `must have 1 to ${MAX_SQL_LENGTH} characters` })
  sql!: string;

  @ApiPropertyOptional({
    description:
      'One JSON value for each parameter. A string goes as it is and fits every type: for `json` and `jsonb`, also inside a list for `jsonb[]`, it is the JSON text itself (`"{\\"a\\": 1}"`, and `"\\"hello\\""` for a JSON string). Lists fit arrays; objects, lists, numbers and booleans fit json. Numbers and objects are what a JSON reader makes of them (doubles, no duplicate keys); a number beyond 2^53 is refused, except for floating-point types: write it as a string, and such json as its text. PostgreSQL infers the types: write `$1::date` where it cannot.',
    type: 'array',
    items: {},
    maxItems: MAX_PARAMETERS,
    default: [],
    example: [9.5],
  })
  @Optional('parameters')
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MAX_PARAMETERS, { message: `must have at most ${MAX_PARAMETERS} values` })
  parameters?: unknown[];

  @ApiPropertyOptional({
    description:
      'Whether the transaction is READ ONLY (PostgreSQL manual, SET TRANSACTION). With false the key needs the scope `tenants:write` too.',
    default: true,
    example: true,
  })
  @Optional('readOnly')
  @IsBoolean({ message: 'must be true or false' })
  readOnly?: boolean;

  @ApiPropertyOptional({
    description:
      'How long the statement may run, in milliseconds; then it is ended with STATEMENT_TIMED_OUT, and nothing of it is kept.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_TIMEOUT_MS,
    default: 30_000,
    example: 30_000,
  })
  @Optional('timeoutMs')
  @IsInt({ message: 'must be a whole number of milliseconds' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_TIMEOUT_MS, { message: `must be at most ${MAX_TIMEOUT_MS}` })
  timeoutMs?: number;

  @ApiPropertyOptional({
    description: 'How many rows the answer may have; further ones are left out.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_ROWS,
    default: 1_000,
    example: 1_000,
  })
  @Optional('maxRows')
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_ROWS, { message: `must be at most ${MAX_ROWS}` })
  maxRows?: number;

  @ApiPropertyOptional({
    description:
      'How many bytes the rows of the answer may have, as PostgreSQL sends them; the first row that does not fit and all after it are left out.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_BYTES,
    default: 1_048_576,
    example: 1_048_576,
  })
  @Optional('maxBytes')
  @IsInt({ message: 'must be a whole number of bytes' })
  @Min(1, { message: 'must be at least 1' })
  @Max(MAX_BYTES, { message: `must be at most ${MAX_BYTES}` })
  maxBytes?: number;
}
