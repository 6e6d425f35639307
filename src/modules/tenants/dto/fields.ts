import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject, Matches, registerDecorator } from 'class-validator';

const SLUG = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;
const RESERVED = new Set([
  'shared',
  'public',
  'postgres',
  'pgbouncer',
  'template0',
  'template1',
  'information_schema',
]);
const METADATA_BYTES = 8192;

/** Names that PostgreSQL, PgBouncer or Rowhouse use themselves; schemas in stock have theirs as slugs. */
export function isReservedSlug(slug: string): boolean {
  return RESERVED.has(slug) || /^(pg_|rowhouse|tenant_\d+$)/.test(slug);
}

export function Slug({ required }: { required: boolean } = { required: true }) {
  return applyDecorators(
    ApiProperty({
      required,
      description:
        'Unique: 1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit. Reserved: pg_…, rowhouse…, tenant_<digits>, shared, public, postgres, pgbouncer.',
      pattern: SLUG.source,
      minLength: 1,
      maxLength: 63,
      example: 'corner-shop',
    }),
    Matches(SLUG, {
      message:
        'must be 1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit',
    }),
    NotReserved(),
  );
}

/** Whatever an application wants to find with the tenant again. */
export function Metadata() {
  return applyDecorators(
    ApiPropertyOptional({
      description: `A JSON object of the caller's own, ${METADATA_BYTES} bytes at most; it replaces the former one.`,
      type: 'object',
      additionalProperties: true,
      example: { plan: 'gold' },
    }),
    IsObject({ message: 'must be an object' }),
    SmallJson(),
  );
}

function NotReserved(): PropertyDecorator {
  return rule('notReserved', 'is reserved', (value) => typeof value !== 'string' || !isReservedSlug(value));
}

function SmallJson(): PropertyDecorator {
  const isSmall = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '') <= METADATA_BYTES;
  return rule('smallJson', `must have at most ${METADATA_BYTES} bytes as JSON`, isSmall);
}

function rule(name: string, message: string, validate: (value: unknown) => boolean): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyName),
      options: { message },
      validator: { validate },
    });
}
