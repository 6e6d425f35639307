import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { CaCertificateController } from './ca-certificate.controller.js';
import { CaCertificate } from './ca-certificate.service.js';
import { CertificateReport } from './certificate-report.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { RootController } from './root.controller.js';
import { StuckReport } from './stuck-report.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [RootController, HealthController, CaCertificateController],
  providers: [HealthService, CertificateReport, CaCertificate, StuckReport],
  exports: [HealthService],
})
export class HealthModule {}
