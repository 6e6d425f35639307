import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
} from 'class-validator';
import { ALLOWED_EXTENSIONS } from '../../../provisioning/extensions.js';

export const MAX_TIMEOUT_MS = 86_400_000;
const MAX_CONNECTIONS_LIMIT = 10_000;

/** Any printable text: letters of every script and quotes are data here, never part of a statement. */
const PRINTABLE = /^(?!\s)[^\p{Cc}\p{Cs}\p{Co}\p{Cn}]*(?<!\s)$/u;

export function isFriendlyName(text: string): boolean {
  return text.length >= 1 && text.length <= 100 && PRINTABLE.test(text);
}

interface Presence {
  required: boolean;
}

/** A field that may be left out; `null` is a wrong type. */
export function Optional(field: string) {
  return ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined);
}

export function FriendlyName({ required }: Presence = { required: true }) {
  return applyDecorators(
    ApiProperty({
      required,
      description: 'What people call it: 1 to 100 printable characters, not unique.',
      minLength: 1,
      maxLength: 100,
      example: 'Shop production',
    }),
    IsString({ message: 'must be a string' }),
    Length(1, 100, { message: 'must have 1 to 100 characters' }),
    Matches(PRINTABLE, { message: 'must be printable text without spaces at its ends' }),
  );
}

export function OwnerEmail({ required }: Presence = { required: true }) {
  return applyDecorators(
    ApiProperty({
      required,
      description: 'The e-mail address of whoever answers for it; 254 characters at most.',
      format: 'email',
      maxLength: 254,
      example: 'ops@example.com',
    }),
    MaxLength(254, { message: 'must have at most 254 characters' }),
    IsEmail({}, { message: 'must be an e-mail address' }),
  );
}

export function MaxConnections() {
  return applyDecorators(
    ApiPropertyOptional({
      description:
        'How many server connections it may have, both ports together (`CONNECTION LIMIT` of its role; PostgreSQL manual, CREATE ROLE). At most what the server has to give.',
      type: 'integer',
      minimum: 1,
      maximum: MAX_CONNECTIONS_LIMIT,
      example: 20,
    }),
    IsInt({ message: 'must be a whole number' }),
    Min(1, { message: 'must be at least 1' }),
    Max(MAX_CONNECTIONS_LIMIT, { message: `must be at most ${MAX_CONNECTIONS_LIMIT}` }),
  );
}

export function TimeoutMs(parameter: string, example: number) {
  return applyDecorators(
    ApiPropertyOptional({
      description: `The default \`${parameter}\` of its sessions, in milliseconds; 0 is none (PostgreSQL manual, 20.11). A session may set another.`,
      type: 'integer',
      minimum: 0,
      maximum: MAX_TIMEOUT_MS,
      example,
    }),
    IsInt({ message: 'must be a whole number of milliseconds' }),
    Min(0, { message: 'must be at least 0' }),
    Max(MAX_TIMEOUT_MS, { message: `must be at most ${MAX_TIMEOUT_MS}` }),
  );
}

export function ExtensionNames() {
  const known = ALLOWED_EXTENSIONS.join(', ');
  return applyDecorators(
    ApiPropertyOptional({
      description: 'Extensions to install, from the allow-list; each must be installed on the server.',
      enum: ALLOWED_EXTENSIONS,
      isArray: true,
      example: ['pgcrypto'],
    }),
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(ALLOWED_EXTENSIONS.length, {
      message: `must have at most ${ALLOWED_EXTENSIONS.length} items`,
    }),
    ArrayUnique({ message: 'must not name an extension twice' }),
    IsIn(ALLOWED_EXTENSIONS, { each: true, message: `each must be one of ${known}` }),
  );
}

export function ExternalAccess() {
  return applyDecorators(
    ApiPropertyOptional({
      description:
        'Who gets in while the whitelist is empty: everybody with TLS (true), nobody (false), or as the server is configured (null). Without meaning while there are rules. For a tenant schema, true and null follow its hosting database.',
      type: Boolean,
      nullable: true,
      example: false,
    }),
    ValidateIf((dto: Record<string, unknown>) => (dto['externalAccess'] ?? undefined) !== undefined),
    IsBoolean({ message: 'must be true, false or null' }),
  );
}

export function DeletionProtection() {
  return applyDecorators(
    ApiPropertyOptional({
      description: 'Whether a delete is refused until this is off again.',
      example: false,
    }),
    IsBoolean({ message: 'must be true or false' }),
  );
}
