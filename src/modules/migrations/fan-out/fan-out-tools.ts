import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { OperationsService } from '../../../operations/operations.service.js';
import { PoolerAliases } from '../../../provisioning/pooler-aliases.js';
import { TenantDirectory } from '../../../provisioning/tenancy/schemas/tenant-directory.js';
import { TemplateStore } from '../../../provisioning/tenancy/templates/template-store.js';
import { MigrationTenantsRepository } from '../migration-tenants.repository.js';
import { MigrationsRepository } from '../migrations.repository.js';
import { TenantMigrator } from './tenant-migrator.js';

/** What a run of a migration is made of. */
@Injectable()
export class FanOutTools {
  constructor(
    readonly dataSource: DataSource,
    readonly migrations: MigrationsRepository,
    readonly tenants: MigrationTenantsRepository,
    readonly operations: OperationsService,
    readonly directory: TenantDirectory,
    readonly templates: TemplateStore,
    readonly aliases: PoolerAliases,
    readonly migrator: TenantMigrator,
  ) {}
}
