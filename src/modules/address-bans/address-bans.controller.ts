import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import { ListQuery } from '../../http/pagination.js';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { ApiEnvelope, ApiPage, ApiProblems, Context, RequireScope, Summary } from '../../http/route.js';
import { AddressBansService } from './address-bans.service.js';
import { AddressBanDto } from './dto/address-ban.dto.js';

@ApiTags('Address bans')
@Controller('address-bans')
export class AddressBansController {
  constructor(private readonly bans: AddressBansService) {}

  @Get()
  @RequireScope('bans:read')
  @Summary(
    'List the banned addresses',
    'Newest first, those in force. An address is banned for a while after too many wrong API keys; keys that worked from there before go on working.',
  )
  @ApiPage(AddressBanDto)
  listAddressBans(@Query() query: ListQuery): Promise<Page<AddressBanDto>> {
    return this.bans.list(query);
  }

  @Delete(':address')
  @RequireScope('bans:write')
  @Summary('Lift a ban', 'At once in every process with Redis, else within five seconds.')
  @ApiParam({
    name: 'address',
    description: 'Any address of the banned block, or the block as the list shows it',
    schema: { type: 'string' },
    example: '203.0.113.5',
  })
  @ApiEnvelope(AddressBanDto)
  @ApiProblems('VALIDATION_FAILED', 'NOT_FOUND')
  liftAddressBan(
    @Context() context: RequestContext,
    @Param('address') address: string,
  ): Promise<AddressBanDto> {
    return this.bans.lift(context, address);
  }
}
