import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { plainToInstance, Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsISO8601,
  IsString,
  Matches,
  MaxLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { findCidrProblem, IsCidr } from '../../../http/cidr.validation.js';
import { MAX_RULES } from '../whitelist-rule.js';

const MAX_DESCRIPTION = 200;
const PRINTABLE = /^[^\p{Cc}\p{Cs}\p{Co}\p{Cn}]*$/u;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A field that may be left out; `null` is a wrong type. */
function Optional(field: string) {
  return ValidateIf((dto: Record<string, unknown>) => dto[field] !== undefined);
}

export function Network() {
  return applyDecorators(
    ApiProperty({
      description:
        'One address or a network, IPv4 or IPv6, normalised: `203.0.113.5` is `203.0.113.5/32`. Host bits must not be set.',
      example: '203.0.113.0/24',
    }),
    IsCidr(),
  );
}

export function Description() {
  return applyDecorators(
    ApiPropertyOptional({
      description: `What it is for: ${MAX_DESCRIPTION} printable characters at most.`,
      maxLength: MAX_DESCRIPTION,
      default: '',
      example: 'Office in Berlin',
    }),
    Optional('description'),
    IsString({ message: 'must be a string' }),
    MaxLength(MAX_DESCRIPTION, { message: `must have at most ${MAX_DESCRIPTION} characters` }),
    Matches(PRINTABLE, { message: 'must be printable text' }),
  );
}

export function ExpiresAt() {
  return applyDecorators(
    ApiPropertyOptional({
      description:
        'When it stops admitting: its live sessions end within a second. The rule stays in the list, expired, so that a list does not open its home by running empty. Never unless given.',
      format: 'date-time',
      example: '2035-01-31T12:00:00Z',
    }),
    Optional('expiresAt'),
    IsISO8601(
      { strict: true, strictSeparator: true },
      { message: 'must be a time such as 2035-01-31T12:00:00Z' },
    ),
    Matches(/(Z|[+-]\d{2}:\d{2})$/, { message: 'must say its time zone, such as Z' }),
  );
}

export function Force() {
  return applyDecorators(
    ApiPropertyOptional({
      description: 'Whether the change is made also when it shuts out the address that asks for it.',
      default: false,
      example: false,
    }),
    Optional('force'),
    IsBoolean({ message: 'must be true or false' }),
  );
}

/** A list of rules, of which a text is short for one with nothing but its network. */
export function RuleList(field: string, model: new () => object) {
  const toRule = (item: unknown) =>
    plainToInstance(model, isObject(item) ? item : { ipAddress: item }, { exposeUnsetFields: false });
  return applyDecorators(
    Transform(({ obj }: { obj: Record<string, unknown> }) => {
      const given = obj[field];
      return Array.isArray(given) ? given.map(toRule) : given;
    }),
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(MAX_RULES, { message: `must have at most ${MAX_RULES} items` }),
    ValidateNested({ each: true }),
  );
}

/** Ids or networks of rules. */
export function RuleReferences() {
  return applyDecorators(
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(MAX_RULES, { message: `must have at most ${MAX_RULES} items` }),
    ValidateBy({
      name: 'isRuleReference',
      validator: {
        validate: (value) => Array.isArray(value) && value.every((item) => findProblem(item) === null),
        defaultMessage: (args) => describeFirst(args?.value),
      },
    }),
  );
}

function describeFirst(value: unknown): string {
  const problems = Array.isArray(value) ? value.map((item, at) => ({ at, problem: findProblem(item) })) : [];
  const found = problems.find(({ problem }) => problem !== null);
  return found ? `item ${found.at + 1} ${found.problem}` : 'must be a list';
}

function findProblem(item: unknown): string | null {
  if (typeof item === 'string' && UUID.test(item)) return null;
  const problem = findCidrProblem(item);
  return problem && `${problem}, or the id of a rule`;
}

function isObject(item: unknown): item is object {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}
