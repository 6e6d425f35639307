import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse } from '@nestjs/swagger';
import { ERROR_CATALOGUE, type ErrorCode } from '../kernel/errors.js';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** Where the meaning of a code is kept; the URI only identifies the problem type (RFC 9457, 3.1.1). */
const TYPE_PREFIX = 'urn:rowhouse:problem:';

export class ProblemField {
  @ApiProperty({ description: 'The field as the client wrote it', example: 'maxConnections' })
  field!: string;

  @ApiProperty({ description: 'What would be accepted', example: 'must not be less than 1' })
  message!: string;
}

/** An error as RFC 9457 describes it. */
@ApiExtraModels(ProblemField)
export class Problem {
  @ApiProperty({ type: Boolean, enum: [false] })
  success!: false;

  @ApiProperty({ format: 'uri', example: 'urn:rowhouse:problem:not-found' })
  type!: string;

  @ApiProperty({ example: 'Not found' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 404 })
  status!: number;

  @ApiProperty({ description: 'What happened, for people', example: 'There is no such database.' })
  detail!: string;

  @ApiProperty({
    description: 'What happened, for programs; stable',
    enum: Object.keys(ERROR_CATALOGUE),
    enumName: 'ErrorCode',
    example: 'NOT_FOUND',
  })
  code!: ErrorCode;

  @ApiProperty({
    description: 'The X-Request-Id of the answer',
    example: '0b0e6d1e-6d0a-4a38-9f0e-3d0a5a4a7f10',
  })
  request_id!: string;

  @ApiProperty({ description: 'Whether the same request may succeed later', example: false })
  retryable!: boolean;

  @ApiPropertyOptional({ type: [ProblemField], description: 'Every bad field of the request' })
  errors?: ProblemField[];
}

export function problemType(code: ErrorCode): string {
  return TYPE_PREFIX + code.toLowerCase().replaceAll('_', '-');
}

/** Describes the errors of a route in OpenAPI, one response a status with an example for each code. */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    for (const [status, group] of byStatus(codes)) {
      const decorate = ApiResponse(problemResponse(status, group)) as MethodDecorator & ClassDecorator;
      if (key !== undefined && descriptor) decorate(target, key, descriptor);
      else decorate(target as never);
    }
  };
}

export function problemResponse(status: number, codes: readonly ErrorCode[]) {
  return {
    status,
    description: codes.map((code) => `\`${code}\`: ${ERROR_CATALOGUE[code].title}`).join('; '),
    content: {
      [PROBLEM_CONTENT_TYPE]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

export function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERROR_CATALOGUE[code];
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

/** The examples that the responses point to. */
export function problemExamples() {
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
  return Object.fromEntries(
    codes.map((code) => [code, { summary: ERROR_CATALOGUE[code].title, value: problemExample(code) }]),
  );
}

function problemExample(code: ErrorCode): Problem {
  const { status, title, retryable } = ERROR_CATALOGUE[code];
  return {
    success: false,
    type: problemType(code),
    title,
    status,
    detail: `${title}.`,
    code,
    request_id: '0b0e6d1e-6d0a-4a38-9f0e-3d0a5a4a7f10',
    retryable,
  };
}
