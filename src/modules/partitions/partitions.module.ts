import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { PartitionPoliciesController } from './partition-policies.controller.js';
import { PartitionPoliciesRepository } from './partition-policies.repository.js';
import { PartitionPoliciesService } from './partition-policies.service.js';
import { PartitionPolicyEntity } from './partition-policy.entity.js';
import { PartitionRunsService } from './partition-runs.service.js';
import { PartitionSchedule } from './partition-schedule.js';
import { PartitionTableCheck } from './partition-table-check.js';
import { RunPartitionPolicy } from './run-partition-policy.js';
import { TimeZoneNames } from './time-zone-names.js';

@Module({
  imports: [TypeOrmModule.forFeature([PartitionPolicyEntity]), ProvisioningModule, DatabasesModule],
  controllers: [PartitionPoliciesController],
  providers: [
    PartitionPoliciesRepository,
    PartitionPoliciesService,
    PartitionRunsService,
    PartitionSchedule,
    PartitionTableCheck,
    RunPartitionPolicy,
    TimeZoneNames,
  ],
})
export class PartitionsModule {}
