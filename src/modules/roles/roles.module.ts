import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabaseRolesController } from './database-roles.controller.js';
import { RoleOperations } from './handlers/role-operations.js';
import { RoleTools } from './handlers/role-tools.js';
import { RoleCommands } from './role-commands.js';
import { RoleExpiryJob } from './role-expiry.job.js';
import { RolePresenter } from './role-presenter.js';
import { RoleTerms } from './role-terms.js';
import { RolesReader } from './roles.reader.js';
import { RolesService } from './roles.service.js';
import { TenantRolesController } from './tenant-roles.controller.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [DatabaseRolesController, TenantRolesController],
  providers: [
    RoleCommands,
    RoleExpiryJob,
    RoleOperations,
    RolePresenter,
    RoleTerms,
    RoleTools,
    RolesReader,
    RolesService,
  ],
})
export class RolesModule {}
