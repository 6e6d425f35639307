import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  Max,
  Min,
  registerDecorator,
  ValidateIf,
} from 'class-validator';
import { MAX_PER_HOST } from '../fan-out/tenant-queue.js';

const MAX_TIMEOUT_MS = 86_400_000;
const MAX_TENANTS = 1_000_000;

interface NumberField {
  readonly description: string;
  readonly range: readonly [minimum: number, maximum: number];
  readonly default: number;
}

/** A whole number that may be left out. */
function OptionalInteger({ description, range: [minimum, maximum], default: usual }: NumberField) {
  return (target: object, field: string): void => {
    ApiPropertyOptional({ description, type: 'integer', minimum, maximum, default: usual })(target, field);
    ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined)(target, field);
    IsInt({ message: 'must be a whole number' })(target, field);
    Min(minimum, { message: `must be at least ${minimum}` })(target, field);
    Max(maximum, { message: `must be at most ${maximum}` })(target, field);
  };
}

function Ascending() {
  return (target: object, propertyName: string): void =>
    registerDecorator({
      name: 'ascending',
      target: target.constructor,
      propertyName,
      options: { message: 'must ascend' },
      validator: {
        validate: (values: unknown) =>
          Array.isArray(values) && values.every((value, at) => at === 0 || value > values[at - 1]),
      },
    });
}

/** How a migration goes over its tenants. */
export class MigrationStrategyDto {
  @OptionalInteger({
    description:
      'How many tenants go first, the oldest, before any other. One that fails pauses the migration, whatever `maxFailures` says. 0: no canary.',
    range: [0, 1_000],
    default: 1,
  })
  canary?: number;

  @ApiPropertyOptional({
    description:
      'Where the rings after the canary end, as ascending percentages of all tenants: a ring begins when the one before is through. Whoever is behind the last one goes last.',
    type: [Number],
    default: [100],
    example: [10, 50, 100],
    minItems: 1,
    maxItems: 20,
  })
  @ValidateIf((dto: MigrationStrategyDto) => dto.rings !== undefined)
  @IsArray({ message: 'must be a list' })
  @ArrayMinSize(1, { message: 'must not be empty' })
  @ArrayMaxSize(20, { message: 'must have at most 20 items' })
  @IsInt({ each: true, message: 'each must be a whole number' })
  @Min(1, { each: true, message: 'each must be at least 1' })
  @Max(100, { each: true, message: 'each must be at most 100' })
  @Ascending()
  rings?: number[];

  @OptionalInteger({
    description: `How many sessions work at once, over all hosting databases; in one database at most ${MAX_PER_HOST}.`,
    range: [1, 32],
    default: 4,
  })
  connections?: number;

  @OptionalInteger({
    description:
      '`lock_timeout` of each statement in milliseconds, 0 none (PostgreSQL manual, 20.11). Whoever comes after a statement that waits for a table waits too, so keep it short: a tenant that is locked is tried again later while others go on.',
    range: [0, MAX_TIMEOUT_MS],
    default: 2_000,
  })
  lockTimeoutMs?: number;

  @OptionalInteger({
    description:
      '`statement_timeout` of each statement in milliseconds, 0 none (PostgreSQL manual, 20.11). CREATE INDEX CONCURRENTLY also waits for every older transaction of its database: give it time.',
    range: [0, MAX_TIMEOUT_MS],
    default: 60_000,
  })
  statementTimeoutMs?: number;

  @OptionalInteger({
    description:
      'How often a tenant is tried that is locked (55P03), in a deadlock (40P01), in a serialization conflict (40001) or disconnected, with growing pauses. Other errors fail at once.',
    range: [1, 20],
    default: 5,
  })
  maxAttempts?: number;

  @OptionalInteger({
    description: 'How many tenants may fail: one more pauses the migration.',
    range: [0, MAX_TENANTS],
    default: 0,
  })
  maxFailures?: number;

  @ApiPropertyOptional({
    description: 'Whether it pauses when the canary is through, until somebody resumes it.',
    default: false,
  })
  @ValidateIf((dto: MigrationStrategyDto) => dto.pauseAfterCanary !== undefined)
  @IsBoolean({ message: 'must be true or false' })
  pauseAfterCanary?: boolean;
}
