import { Injectable } from '@nestjs/common';
import { OperationsService } from '../../../operations/operations.service.js';
import { DryRun } from '../dry-run.js';
import { FanOut } from '../fan-out/fan-out.js';
import { MigrationTenantsRepository } from '../migration-tenants.repository.js';
import { MigrationsRepository } from '../migrations.repository.js';

/** What the handlers of migrations are made of. */
@Injectable()
export class MigrationHandlerTools {
  constructor(
    readonly operations: OperationsService,
    readonly migrations: MigrationsRepository,
    readonly tenants: MigrationTenantsRepository,
    readonly fanOut: FanOut,
    readonly dryRun: DryRun,
  ) {}
}
