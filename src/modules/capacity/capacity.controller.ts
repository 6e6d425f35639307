import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiEnvelope, ApiProblems, RequireScope, Summary, UuidParam } from '../../http/route.js';
import { CapacityDto, CapacityQuery } from './capacity.dto.js';
import { CapacityService } from './capacity.service.js';

@ApiTags('Databases')
@Controller('databases/:id/capacity')
export class CapacityController {
  constructor(private readonly capacity: CapacityService) {}

  @Get()
  @RequireScope('hosts:read')
  @Summary(
    'Get what a database holds and how much more it can',
    'Of any managed database, tenant host or not. It is measured anew each time: seconds, where there are thousands of schemas.',
  )
  @ApiEnvelope(CapacityDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'SERVICE_UNAVAILABLE', 'STATEMENT_TIMED_OUT')
  getCapacity(@UuidParam() id: string, @Query() query: CapacityQuery): Promise<CapacityDto> {
    return this.capacity.get(id, query);
  }
}
