import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { HostOperations } from './handlers/host-operations.js';
import { HostGroupsController } from './host-groups.controller.js';
import { HostGroupsRepository } from './host-groups.repository.js';
import { HostGroupsService } from './host-groups.service.js';
import { HostPresenter } from './host-presenter.js';
import { HostsController } from './hosts.controller.js';
import { HostsRepository } from './hosts.repository.js';
import { HostsService } from './hosts.service.js';
import { Placement } from './placement.service.js';

@Module({
  imports: [ProvisioningModule, DatabasesModule],
  controllers: [HostsController, HostGroupsController],
  providers: [
    HostGroupsRepository,
    HostGroupsService,
    HostOperations,
    HostPresenter,
    HostsRepository,
    HostsService,
    Placement,
  ],
  exports: [Placement],
})
export class HostsModule {}
