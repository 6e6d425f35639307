import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { ReconcileServer } from './reconcile-server.js';
import { ServersController } from './servers.controller.js';
import { ServersService } from './servers.service.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [ServersController],
  providers: [ReconcileServer, ServersService],
})
export class ServersModule {}
