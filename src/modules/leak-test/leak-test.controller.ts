import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { RequestContext } from '../../http/request-context.js';
import { ApiEnvelope, ApiProblems, Context, RequireScope, Summary, UuidParam } from '../../http/route.js';
import { ApiAccepted } from '../../operations/api-accepted.js';
import type { OperationReply } from '../../operations/operation-reply.js';
import { LeakReportDto } from './leak-report.dto.js';
import { LeakTestService } from './leak-test.service.js';

@ApiTags('Hosts')
@Controller('databases')
export class LeakTestController {
  constructor(private readonly tests: LeakTestService) {}

  @Post(':id/leak-test')
  @RequireScope('hosts:write')
  @Summary(
    "Test that no tenant of a host sees another's rows",
    'Makes two throw-away tenants and a pooler alias of one server connection, lets one tenant do what could stay behind on a connection, and looks through the eyes of the other, at every door. Both are removed afterwards. The report is also in the result of the operation.',
  )
  @ApiEnvelope(LeakReportDto)
  @ApiAccepted()
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'RESOURCE_BUSY', 'SERVICE_UNAVAILABLE')
  runLeakTest(
    @Context() context: RequestContext,
    @UuidParam() id: string,
  ): Promise<OperationReply<LeakReportDto>> {
    return this.tests.run(context, id);
  }
}
