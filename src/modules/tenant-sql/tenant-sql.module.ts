import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { StatementAudit } from './statement-audit.js';
import { StatementSlots } from './statement-slots.js';
import { TenantLogin } from './tenant-login.js';
import { TenantSqlController } from './tenant-sql.controller.js';
import { TenantSqlService } from './tenant-sql.service.js';

@Module({
  imports: [ProvisioningModule, TenantsModule],
  controllers: [TenantSqlController],
  providers: [StatementAudit, StatementSlots, TenantLogin, TenantSqlService],
})
export class TenantSqlModule {}
