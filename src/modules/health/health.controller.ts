import { Controller, Get, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public, RawAnswer, Summary } from '../../http/route.js';
import { HealthDto, ReadinessDto } from './health.dto.js';
import { HealthService } from './health.service.js';

@ApiTags('Health')
@Public()
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  @RawAnswer()
  @Summary('Whether the process lives', 'Asks nobody else.')
  @ApiResponse({ status: 200, description: 'It does', type: HealthDto })
  getHealth(): HealthDto {
    return this.health.health();
  }

  @Get('live')
  @RawAnswer()
  @Summary(
    'Whether the process lives',
    'The same as `/health`, under the name that Kubernetes users look for.',
  )
  @ApiResponse({ status: 200, description: 'It does', type: HealthDto })
  getLiveness(): HealthDto {
    return this.health.health();
  }

  @Get('ready')
  @RawAnswer()
  @Summary(
    'Whether every part answers',
    'Each is given two seconds. Logins as clients make them are tried every fifteen seconds, on both ports.',
  )
  @ApiResponse({ status: 200, description: 'Every needed part does', type: ReadinessDto })
  @ApiResponse({ status: 503, description: 'A needed part does not', type: ReadinessDto })
  async getReadiness(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessDto> {
    const readiness = await this.health.readiness();
    reply.status(readiness.status === 'ready' ? 200 : 503);
    return readiness;
  }
}
