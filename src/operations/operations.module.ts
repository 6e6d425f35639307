import { Global, Module } from '@nestjs/common';
import { ChangeFeed } from './change-feed.js';
import { OperationRepository } from './operation.repository.js';
import { OperationEnding } from './operation-ending.js';
import { OperationHandlers } from './operation-handlers.js';
import { OperationPurge } from './operation-purge.js';
import { OperationRunner } from './operation-runner.js';
import { OperationWatcher } from './operation-watcher.js';
import { OperationWorker } from './operation-worker.js';
import { OperationsService } from './operations.service.js';

@Global()
@Module({
  providers: [
    ChangeFeed,
    OperationEnding,
    OperationHandlers,
    OperationPurge,
    OperationRepository,
    OperationRunner,
    OperationsService,
    OperationWatcher,
    OperationWorker,
  ],
  exports: [OperationsService],
})
export class OperationsModule {}
