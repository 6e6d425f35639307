import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabaseEntity } from './database.entity.js';
import { DatabaseCommands } from './database-commands.js';
import { DatabaseLifecycleService } from './database-lifecycle.service.js';
import { DatabasePresenter } from './database-presenter.js';
import { DatabaseSettingsService } from './database-settings.service.js';
import { DatabasesController } from './databases.controller.js';
import { DatabasesReader } from './databases.reader.js';
import { DatabasesRepository } from './databases.repository.js';
import { DatabasesService } from './databases.service.js';
import { DatabaseOperations } from './handlers/database-operations.js';
import { HandlerTools } from './handlers/handler-tools.js';
import { ManagedDatabases } from './managed-databases.js';

@Module({
  imports: [TypeOrmModule.forFeature([DatabaseEntity]), ProvisioningModule],
  controllers: [DatabasesController],
  providers: [
    DatabaseCommands,
    DatabaseLifecycleService,
    DatabaseOperations,
    DatabasePresenter,
    DatabaseSettingsService,
    DatabasesReader,
    DatabasesRepository,
    DatabasesService,
    HandlerTools,
    ManagedDatabases,
  ],
  exports: [ManagedDatabases],
})
export class DatabasesModule {}
