import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsISO8601,
  IsString,
  Matches,
  ValidateIf,
} from 'class-validator';
import { IsCidr } from '../../../http/cidr.validation.js';
import { RESERVED_ROLE_NAMES } from '../../../provisioning/logins/login-names.js';
import { ACCESS_LEVELS } from '../../../provisioning/logins/login-store.js';
import { MaxConnections, Optional } from '../../databases/dto/fields.js';
import { CONNECTIONS_FACTOR, MAX_HOME_NETWORKS } from '../role-limits.js';

const MAX_CIDRS = 50;

/** A field that may be left out, or be null, which takes back what was set. */
export function OptionalOrNull(field: string) {
  return ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined && dto[field] !== null);
}

export function RoleNameField() {
  const reserved = [...RESERVED_ROLE_NAMES].join(', ');
  return applyDecorators(
    ApiProperty({
      description: `What it is called within its home; its user name is the home's, an underscore and this. Unique within the home. Not ${reserved}.`,
      pattern: '^[a-z][a-z0-9_]{0,19}$',
      minLength: 1,
      maxLength: 20,
      example: 'reporting',
    }),
    IsString({ message: 'must be a string' }),
    Matches(/^[a-z][a-z0-9_]{0,19}$/, {
      message:
        'must begin with a lower-case letter and have at most 20 lower-case letters, digits or underscores',
    }),
  );
}

export function AccessField() {
  return applyDecorators(
    ApiProperty({
      description:
        '`readonly`: reads every table, those of tomorrow too. `readwrite`: changes rows as well. `owner`: may do all that the home itself may, and what it makes belongs to the home. In a tenant with a schema `readwrite` and `owner` both have the rights of the tenant’s own login.',
      enum: ACCESS_LEVELS,
      enumName: 'RoleAccess',
      example: 'readonly',
    }),
    IsIn(ACCESS_LEVELS, { message: `must be one of ${ACCESS_LEVELS.join(', ')}` }),
  );
}

export function ExpiresAtField(description: string) {
  return applyDecorators(
    ApiPropertyOptional({
      description,
      type: String,
      format: 'date-time',
      nullable: true,
      example: '2035-01-31T12:00:00Z',
    }),
    OptionalOrNull('expiresAt'),
    IsISO8601(
      { strict: true, strictSeparator: true },
      { message: 'must be a time such as 2035-01-31T12:00:00Z' },
    ),
    Matches(/(Z|[+-]\d{2}:\d{2})$/, { message: 'must say its time zone, such as Z' }),
  );
}

export function AllowedCidrsField(description: string) {
  return applyDecorators(
    ApiPropertyOptional({
      description: `${description} At most ${MAX_CIDRS}, and ${MAX_HOME_NETWORKS} different ones of all roles of a home together (else 409). On a home with a whitelist, or a closed one, networks that its own rules do not let in for as long as the role lasts need the scope \`whitelists:write\` as well (else 403).`,
      type: [String],
      nullable: true,
      minItems: 1,
      maxItems: MAX_CIDRS,
      example: ['203.0.113.0/24', '2001:db8::/48'],
    }),
    OptionalOrNull('allowedCidrs'),
    IsArray({ message: 'must be a list' }),
    ArrayNotEmpty({ message: 'must name at least one network; null is those of its home' }),
    ArrayMaxSize(MAX_CIDRS, { message: `must have at most ${MAX_CIDRS} items` }),
    IsCidr({ each: true }),
  );
}

export function RoleConnectionsField(description: string) {
  return applyDecorators(
    MaxConnections(),
    ApiPropertyOptional({
      description: `Server connections, both ports together (\`CONNECTION LIMIT\`; PostgreSQL manual, CREATE ROLE). At most those of its home; all roles of a home together may have ${CONNECTIONS_FACTOR} times those of the home (else 409).${description}`,
      example: 5,
    }),
    Optional('maxConnections'),
  );
}
