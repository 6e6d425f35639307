import { Module } from '@nestjs/common';
import { DatabaseProvisioner } from './database-provisioner.js';
import { Extensions } from './extensions.js';
import { HomeCredentials } from './home-credentials.js';
import { PoolerAliases } from './pooler-aliases.js';
import { Reconciler } from './reconciliation/reconciler.js';
import { ReconciliationJob } from './reconciliation/reconciliation-job.js';
import { Repair } from './reconciliation/repair.js';
import { RoleProvisioner } from './role-provisioner.js';
import { ServerRegistry } from './server-registry.js';
import { WarmPool } from './warm-pool.js';

const PUBLIC_PROVIDERS = [
  DatabaseProvisioner,
  Extensions,
  HomeCredentials,
  PoolerAliases,
  Reconciler,
  ServerRegistry,
  WarmPool,
];

@Module({
  providers: [...PUBLIC_PROVIDERS, ReconciliationJob, Repair, RoleProvisioner],
  exports: PUBLIC_PROVIDERS,
})
export class ProvisioningModule {}
