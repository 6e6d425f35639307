import { Global, Module } from '@nestjs/common';
import { AddressBans } from '../../http/address-bans.js';
import { ActiveBans } from './active-bans.js';
import { AddressBansController } from './address-bans.controller.js';
import { AddressBansRepository } from './address-bans.repository.js';
import { AddressBansService } from './address-bans.service.js';

/** Global, since every request is held against the bans. */
@Global()
@Module({
  controllers: [AddressBansController],
  providers: [
    ActiveBans,
    AddressBansRepository,
    AddressBansService,
    { provide: AddressBans, useExisting: ActiveBans },
  ],
  exports: [AddressBans, AddressBansService],
})
export class AddressBansModule {}
