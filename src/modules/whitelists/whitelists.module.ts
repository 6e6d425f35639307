import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { AddressCheckService } from './address-check.service.js';
import { DatabaseWhitelistController } from './database-whitelist.controller.js';
import { TenantWhitelistController } from './tenant-whitelist.controller.js';
import { WhitelistChanges } from './whitelist-changes.js';
import { WhitelistCopies } from './whitelist-copies.js';
import { WhitelistExpiry } from './whitelist-expiry.js';
import { WhitelistHomes } from './whitelist-homes.js';
import { WhitelistOperations } from './whitelist-operations.js';
import { WhitelistPresenter } from './whitelist-presenter.js';
import { WhitelistsRepository } from './whitelists.repository.js';
import { WhitelistsService } from './whitelists.service.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [DatabaseWhitelistController, TenantWhitelistController],
  providers: [
    AddressCheckService,
    WhitelistChanges,
    WhitelistCopies,
    WhitelistExpiry,
    WhitelistHomes,
    WhitelistOperations,
    WhitelistPresenter,
    WhitelistsRepository,
    WhitelistsService,
  ],
  exports: [WhitelistCopies],
})
export class WhitelistsModule {}
