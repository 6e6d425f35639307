import { Module } from '@nestjs/common';
import { SqlParser } from '../infra/sql-parser/sql-parser.js';
import { DatabaseProvisioner } from './database-provisioner.js';
import { Extensions } from './extensions.js';
import { HomeCredentials } from './home-credentials.js';
import { PoolerAliases } from './pooler-aliases.js';
import { Reconciler } from './reconciliation/reconciler.js';
import { ReconciliationJob } from './reconciliation/reconciliation-job.js';
import { Repair } from './reconciliation/repair.js';
import { RoleProvisioner } from './role-provisioner.js';
import { ServerRegistry } from './server-registry.js';
import { DriftReader } from './tenancy/drift-reader.js';
import { HostConnections } from './tenancy/host-connections.js';
import { HostDoors } from './tenancy/host-doors.js';
import { HostProvisioner } from './tenancy/host-provisioner.js';
import { HostReader } from './tenancy/host-reader.js';
import { HostTeardown } from './tenancy/host-teardown.js';
import { HostTemplates } from './tenancy/host-templates.js';
import { LeakProbeStore } from './tenancy/leak-probe-store.js';
import { LeakProbes } from './tenancy/leak-probes.js';
import { LeakTest } from './tenancy/leak-test.js';
import { PartitionKeeper } from './tenancy/partition-keeper.js';
import { PartitionTargets } from './tenancy/partition-targets.js';
import { Registry } from './tenancy/registry.js';
import { SchemaProvisioner } from './tenancy/schema-provisioner.js';
import { ScratchDatabase } from './tenancy/scratch-database.js';
import { ScratchPreparation } from './tenancy/scratch-preparation.js';
import { TemplateStore } from './tenancy/template-store.js';
import { TenantCopy } from './tenancy/tenant-copy.js';
import { TenantDirectory } from './tenancy/tenant-directory.js';
import { VersionRunner } from './tenancy/version-runner.js';
import { WarmSchemas } from './tenancy/warm-schemas.js';
import { WarmPool } from './warm-pool.js';

const PUBLIC_PROVIDERS = [
  DatabaseProvisioner,
  DriftReader,
  Extensions,
  HomeCredentials,
  HostConnections,
  HostDoors,
  HostProvisioner,
  HostTeardown,
  HostReader,
  HostTemplates,
  LeakProbeStore,
  LeakProbes,
  LeakTest,
  PartitionKeeper,
  PartitionTargets,
  PoolerAliases,
  Reconciler,
  Registry,
  SchemaProvisioner,
  ScratchDatabase,
  ServerRegistry,
  SqlParser,
  TemplateStore,
  TenantCopy,
  TenantDirectory,
  VersionRunner,
  WarmPool,
  WarmSchemas,
];

@Module({
  providers: [...PUBLIC_PROVIDERS, ReconciliationJob, Repair, RoleProvisioner, ScratchPreparation],
  exports: PUBLIC_PROVIDERS,
})
export class ProvisioningModule {}
