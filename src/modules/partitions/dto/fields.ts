import { registerDecorator } from 'class-validator';
import { MAX_IDENTIFIER_BYTES } from '../../../kernel/identifiers.js';
import type { PartitionInterval } from '../../../provisioning/tenancy/partitions/partition-calendar.js';
import type { PartitionRule } from '../../../provisioning/tenancy/partitions/partition-plan.js';

export const INTERVALS = ['day', 'week', 'month'] as const satisfies readonly PartitionInterval[];

export type OnRetention = PartitionRule['onRetention'];
export const ON_RETENTION = ['detach', 'drop'] as const satisfies readonly OnRetention[];

const CONTROL = /\p{Cc}/u;

/** What PostgreSQL can keep as a table's name, of any script. */
export function IsTableName(): PropertyDecorator {
  return check(
    `must be a table's name without its schema: 1 to ${MAX_IDENTIFIER_BYTES} bytes, no control characters`,
    (value) =>
      typeof value === 'string' &&
      value !== '' &&
      !CONTROL.test(value) &&
      Buffer.byteLength(value, 'utf8') <= MAX_IDENTIFIER_BYTES,
  );
}

/** On one of two fields, of which exactly one must be given. */
export function IsOnlyOneWith(other: string): PropertyDecorator {
  return check(`must stand alone: give it or ${other}, not both`, (_, dto) => dto[other] === undefined);
}

function check(
  message: string,
  validate: (value: unknown, dto: Record<string, unknown>) => boolean,
): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: `check ${message}`,
      target: target.constructor,
      propertyName: String(propertyName),
      options: { message },
      validator: {
        validate: (value: unknown, args) => validate(value, (args?.object ?? {}) as Record<string, unknown>),
      },
    });
}
