import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { DatabaseCredentialsController, TenantCredentialsController } from './credentials.controller.js';
import { CredentialsService } from './credentials.service.js';
import { CredentialOperations } from './handlers/credential-operations.js';
import { CredentialTools } from './handlers/credential-tools.js';
import { OverlapEnd } from './overlap-end.js';
import { OverlapJob } from './overlap-job.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [DatabaseCredentialsController, TenantCredentialsController],
  providers: [CredentialOperations, CredentialsService, CredentialTools, OverlapEnd, OverlapJob],
})
export class CredentialsModule {}
