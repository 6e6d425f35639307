import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { API, DOCS, DOCS_JSON } from '../../http/paths.js';
import { Public, RawAnswer, Summary } from '../../http/route.js';
import { RootDto } from './root.dto.js';

const ROOT: RootDto = {
  name: 'rowhouse',
  api: `/${API}`,
  docs: `/${DOCS}`,
  openapi: `/${DOCS_JSON}`,
  health: '/health',
  readiness: '/health/ready',
};

@ApiTags('Documentation')
@Public()
@Controller()
export class RootController {
  @Get()
  @RawAnswer()
  @Summary('Where things are', 'Who accepts `text/html`, as browsers do, is sent to Swagger UI.')
  @ApiResponse({ status: 200, description: 'The paths to go on from', type: RootDto })
  @ApiResponse({ status: 303, description: 'To Swagger UI' })
  getRoot(
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): RootDto {
    reply.header('Vary', 'Accept');
    if (accept?.includes('text/html')) reply.status(303).header('Location', ROOT.docs);
    return ROOT;
  }
}
