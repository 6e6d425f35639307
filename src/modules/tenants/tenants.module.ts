import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { HostsModule } from '../hosts/hosts.module.js';
import { WhitelistsModule } from '../whitelists/whitelists.module.js';
import { FreshTenants } from './fresh-tenants.js';
import { TenantOperations } from './handlers/tenant-operations.js';
import { TenantTools } from './handlers/tenant-tools.js';
import { TenantCommands } from './tenant-commands.js';
import { TenantCreation } from './tenant-creation.js';
import { TenantLifecycleService } from './tenant-lifecycle.service.js';
import { TenantPresenter } from './tenant-presenter.js';
import { TenantSettingsService } from './tenant-settings.service.js';
import { TenantsController } from './tenants.controller.js';
import { TenantsReader } from './tenants.reader.js';
import { TenantsRepository } from './tenants.repository.js';
import { TenantsService } from './tenants.service.js';

@Module({
  imports: [ProvisioningModule, DatabasesModule, HostsModule, WhitelistsModule],
  controllers: [TenantsController],
  providers: [
    TenantCommands,
    TenantCreation,
    TenantLifecycleService,
    TenantOperations,
    TenantPresenter,
    TenantSettingsService,
    FreshTenants,
    TenantTools,
    TenantsReader,
    TenantsRepository,
    TenantsService,
  ],
  exports: [TenantsReader],
})
export class TenantsModule {}
