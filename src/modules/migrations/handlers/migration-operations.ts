import { Injectable, type OnModuleInit } from '@nestjs/common';
import { OperationsService } from '../../../operations/operations.service.js';
import { DryRun } from '../dry-run.js';
import { FanOut } from '../fan-out/fan-out.js';
import { MigrationTenantsRepository } from '../migration-tenants.repository.js';
import { MigrationsRepository } from '../migrations.repository.js';
import { dryRunMigration } from './dry-run.js';
import { runMigration } from './run-migration.js';

/** What the handlers of migrations are made of. */
export interface MigrationHandlerTools {
  readonly migrations: MigrationsRepository;
  readonly tenants: MigrationTenantsRepository;
  readonly fanOut: FanOut;
  readonly dryRun: DryRun;
}

/** Tells the engine how migrations are done. */
@Injectable()
export class MigrationOperations implements OnModuleInit {
  constructor(
    private readonly operations: OperationsService,
    private readonly migrations: MigrationsRepository,
    private readonly tenants: MigrationTenantsRepository,
    private readonly fanOut: FanOut,
    private readonly dryRun: DryRun,
  ) {}

  onModuleInit(): void {
    const { migrations, tenants, fanOut, dryRun } = this;
    const tools = { migrations, tenants, fanOut, dryRun };
    for (const handler of [runMigration, dryRunMigration]) this.operations.register(handler(tools));
  }
}
