import { Injectable } from '@nestjs/common';
import { findAddressBlock } from '../../http/client-address.js';
import { type ListQuery, toPage } from '../../http/pagination.js';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Cidr, CidrError } from '../../kernel/cidr.js';
import { invalidField, RowhouseError } from '../../kernel/errors.js';
import { ActiveBans } from './active-bans.js';
import { AddressBansRepository } from './address-bans.repository.js';
import { AddressBanDto } from './dto/address-ban.dto.js';

/** Shows bans and lifts them. */
@Injectable()
export class AddressBansService {
  constructor(
    private readonly bans: AddressBansRepository,
    private readonly active: ActiveBans,
    private readonly audit: AuditLog,
  ) {}

  async list(query: ListQuery): Promise<Page<AddressBanDto>> {
    return toPage(await this.bans.list(query), query.limit, AddressBanDto.of);
  }

  /** `address`: any address of the banned block, or the block as the list shows it. */
  async lift(context: RequestContext, address: string): Promise<AddressBanDto> {
    const network = toBlock(address);
    const lifted = await this.bans.transaction(async (tx) => {
      const ban = await this.bans.delete(tx, network);
      if (!ban) throw new RowhouseError('NOT_FOUND', `The address ${address} is not banned.`);
      await this.audit.record(tx, context, {
        action: 'address-ban.lift',
        resourceType: 'address-ban',
        resourceId: ban.id,
        before: AddressBanDto.of(ban),
        outcome: 'succeeded',
      });
      return ban;
    });
    await this.active.forget(network);
    return AddressBanDto.of(lifted);
  }
}

function toBlock(text: string): string {
  try {
    return text.includes('/')
      ? String(Cidr.parse(text))
      : (findAddressBlock(text) ?? String(Cidr.parse(text)));
  } catch (error) {
    if (error instanceof CidrError) throw invalidField('address', error.message);
    throw error;
  }
}
