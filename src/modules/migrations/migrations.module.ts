import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DryRun } from './dry-run.js';
import { FanOut } from './fan-out/fan-out.js';
import { FanOutTools } from './fan-out/fan-out-tools.js';
import { TenantMigrator } from './fan-out/tenant-migrator.js';
import { MigrationHandlerTools } from './handlers/handler-tools.js';
import { MigrationOperations } from './handlers/migration-operations.js';
import { MigrationCommandsService } from './migration-commands.service.js';
import { MigrationTenantsRepository } from './migration-tenants.repository.js';
import { MigrationWatcher } from './migration-watcher.js';
import { MigrationsController } from './migrations.controller.js';
import { MigrationsReader } from './migrations.reader.js';
import { MigrationsRepository } from './migrations.repository.js';
import { MigrationsService } from './migrations.service.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [MigrationsController],
  providers: [
    DryRun,
    FanOut,
    FanOutTools,
    MigrationCommandsService,
    MigrationHandlerTools,
    MigrationOperations,
    MigrationTenantsRepository,
    MigrationWatcher,
    MigrationsReader,
    MigrationsRepository,
    MigrationsService,
    TenantMigrator,
  ],
})
export class MigrationsModule {}
