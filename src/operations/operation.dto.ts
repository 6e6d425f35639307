import { ApiProperty } from '@nestjs/swagger';
import { ERROR_CATALOGUE, type ErrorCode } from '../kernel/errors.js';
import { OPERATION_TRANSITIONS, type Operation, type OperationState } from './operation.types.js';

export const OPERATION_STATES = Object.keys(OPERATION_TRANSITIONS) as OperationState[];

export class OperationErrorDto {
  @ApiProperty({
    description: 'What happened, for programs; stable',
    enum: Object.keys(ERROR_CATALOGUE),
    enumName: 'ErrorCode',
    example: 'SERVICE_UNAVAILABLE',
  })
  code!: ErrorCode;

  @ApiProperty({
    description: 'What happened, for people',
    example: 'PostgreSQL or PgBouncer does not answer.',
  })
  message!: string;
}

/** A durable record of work. */
export class OperationDto {
  @ApiProperty({ format: 'uuid', example: '7c9e6679-7425-40de-944b-e07fc1f90ae7' })
  id!: string;

  @ApiProperty({ description: 'What it does: resource and verb', example: 'database.create' })
  kind!: string;

  @ApiProperty({ description: 'The type of the resource it works on', example: 'database' })
  subject_type!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'The resource it works on',
    example: '1b4e28ba-2fa1-41d2-883f-0016d3cca427',
  })
  subject_id!: string | null;

  @ApiProperty({
    description: '`pending` waits for a worker or for the next attempt; the last three are final',
    enum: OPERATION_STATES,
    enumName: 'OperationState',
    example: 'running',
  })
  state!: OperationState;

  @ApiProperty({ type: String, nullable: true, description: 'The step it is at', example: 'privileges' })
  step!: string | null;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100, description: 'Per cent', example: 40 })
  progress!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'How often it was started', example: 1 })
  attempts!: number;

  @ApiProperty({
    description: 'Whether somebody asked to cancel it; it stops before its next step',
    example: false,
  })
  cancel_requested!: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What it found or made, by kind; null before it has succeeded',
    example: null,
  })
  result!: Readonly<Record<string, unknown>> | null;

  @ApiProperty({
    type: OperationErrorDto,
    nullable: true,
    description: 'Why it failed; while it is pending, why the last attempt did',
    example: null,
  })
  error!: OperationErrorDto | null;

  @ApiProperty({ format: 'date-time', example: '2025-06-01T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2025-06-01T12:00:00.010Z' })
  started_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  finished_at!: string | null;

  @ApiProperty({
    format: 'date-time',
    description: 'When it is given up if it has not ended',
    example: '2025-06-01T12:05:00.000Z',
  })
  deadline_at!: string;
}

export function toOperationDto(operation: Operation): OperationDto {
  return {
    id: operation.id,
    kind: operation.kind,
    subject_type: operation.subjectType,
    subject_id: operation.subjectId,
    state: operation.state,
    step: operation.step,
    progress: operation.progress,
    attempts: operation.attempts,
    cancel_requested: operation.cancelRequested,
    result: operation.result,
    error: operation.error,
    created_at: operation.createdAt.toISOString(),
    started_at: operation.startedAt?.toISOString() ?? null,
    finished_at: operation.finishedAt?.toISOString() ?? null,
    deadline_at: operation.deadlineAt.toISOString(),
  };
}
