import { Module } from '@nestjs/common';
import { OperationsController } from './operations.controller.js';
import { OperationsApiService } from './operations-api.service.js';

@Module({ controllers: [OperationsController], providers: [OperationsApiService] })
export class OperationsApiModule {}
