import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { CapacityController } from './capacity.controller.js';
import { CapacityService } from './capacity.service.js';

@Module({
  imports: [ProvisioningModule, DatabasesModule],
  controllers: [CapacityController],
  providers: [CapacityService],
})
export class CapacityModule {}
