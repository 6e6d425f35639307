import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { ListQuery } from '../../http/pagination.js';
import { OPERATION_STATES } from '../../operations/operation.dto.js';
import type { OperationState } from '../../operations/operation.types.js';

export class ListOperationsQuery extends ListQuery {
  @ApiPropertyOptional({
    description: 'Resource and verb',
    pattern: '^[a-z_-]{1,40}\\.[a-z_-]{1,40}$',
    example: 'database.create',
  })
  @IsOptional()
  @Matches(/^[a-z_-]{1,40}\.[a-z_-]{1,40}$/, {
    message: 'kind must be a resource and a verb, such as database.create',
  })
  kind?: string;

  @ApiPropertyOptional({ enum: OPERATION_STATES, enumName: 'OperationState' })
  @IsOptional()
  @IsIn(OPERATION_STATES)
  state?: OperationState;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only those that work on this resource' })
  @IsOptional()
  @IsUUID(undefined, { message: 'subjectId must be a UUID' })
  subjectId?: string;
}
