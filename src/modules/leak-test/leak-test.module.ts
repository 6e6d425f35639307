import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { LeakTestController } from './leak-test.controller.js';
import { LeakTestOperations } from './leak-test.operations.js';
import { LeakTestService } from './leak-test.service.js';

@Module({
  imports: [ProvisioningModule, DatabasesModule],
  controllers: [LeakTestController],
  providers: [LeakTestOperations, LeakTestService],
})
export class LeakTestModule {}
