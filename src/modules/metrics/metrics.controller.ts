import { Controller, Get, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RawAnswer, RequireScope, Summary } from '../../http/route.js';
import { MetricsService } from './metrics.service.js';

@ApiTags('Health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get()
  @RequireScope('metrics:read')
  @RawAnswer()
  @Summary(
    'Get metrics for Prometheus',
    'Of this process (CPU, memory, event loop), whether each part answers, and when each certificate expires. ' +
      'Give Prometheus a key with this scope alone, as `authorization: {credentials: …}` of its scrape config.',
  )
  @ApiProduces('text/plain')
  @ApiResponse({
    status: 200,
    description: "Prometheus' text format, version 0.0.4",
    content: {
      'text/plain': {
        schema: { type: 'string' },
        example:
          'rowhouse_certificate_expiry_timestamp_seconds{endpoint="postgres",subject="CN=db.example.com"} 1899201600\n',
      },
    },
  })
  async getMetrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    reply.header('Content-Type', this.metrics.contentType);
    return this.metrics.render();
  }
}
