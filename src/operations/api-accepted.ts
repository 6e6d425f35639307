import type { Type } from '@nestjs/common';
import { ApiEnvelope } from '../http/route.js';
import { OperationDto } from './operation.dto.js';

/** Describes the 202 of a route whose operation was not done in time. `model` adds what such an answer carries. */
export function ApiAccepted(model: Type<OperationDto> = OperationDto): MethodDecorator {
  return ApiEnvelope(model, { status: 202 });
}
