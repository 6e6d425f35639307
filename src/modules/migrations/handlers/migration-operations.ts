import { Injectable, type OnModuleInit } from '@nestjs/common';
import { dryRunMigration } from './dry-run.js';
import { MigrationHandlerTools } from './handler-tools.js';
import { runMigration } from './run-migration.js';

/** Tells the engine how migrations are done. */
@Injectable()
export class MigrationOperations implements OnModuleInit {
  constructor(private readonly tools: MigrationHandlerTools) {}

  onModuleInit(): void {
    for (const handler of [runMigration, dryRunMigration])
      this.tools.operations.register(handler(this.tools));
  }
}
