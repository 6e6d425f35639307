import { Module } from '@nestjs/common';
import { AuditModule } from '../infra/control-db/audit.module.js';
import { SqlParser } from '../infra/sql-parser/sql-parser.js';
import { AccessPeers } from './access/access-peers.js';
import { AccessSync } from './access/access-sync.js';
import { PatrolJob } from './access/patrol-job.js';
import { SessionPatrol } from './access/session-patrol.js';
import { DatabaseProvisioner } from './database-provisioner.js';
import { Extensions } from './extensions.js';
import { HomeCredentials } from './home-credentials.js';
import { LockPatrol } from './lock-patrol.js';
import { LoginProofs } from './login-proof/login-proofs.js';
import { AccessGroups } from './logins/access-groups.js';
import { FurtherLogins } from './logins/further-logins.js';
import { HostedLogins } from './logins/hosted-logins.js';
import { LoginHomes } from './logins/login-home.js';
import { LoginRotation } from './logins/login-rotation.js';
import { LoginSessions } from './logins/login-sessions.js';
import { LoginStore } from './logins/login-store.js';
import { NewRotation } from './logins/new-rotation.js';
import { OverlapWatch } from './logins/overlap-watch.js';
import { OwnLogin } from './logins/own-login.js';
import { Strangers } from './logins/strangers.js';
import { PoolerAliases } from './pooler-aliases.js';
import { KnownObjectsReader } from './reconciliation/known-objects.js';
import { ObjectOwnership } from './reconciliation/object-ownership.js';
import { Reconciler } from './reconciliation/reconciler.js';
import { ReconciliationJob } from './reconciliation/reconciliation-job.js';
import { Repair } from './reconciliation/repair.js';
import { SharedUpgradeJob } from './reconciliation/shared-upgrade-job.js';
import { RoleProvisioner } from './role-provisioner.js';
import { ServerRegistry } from './server-registry.js';
import { SessionEnd } from './session-end.js';
import { StuckPatrol } from './stuck-patrol.js';
import { StuckSessions } from './stuck-sessions.js';
import { HostConnections } from './tenancy/hosts/host-connections.js';
import { HostDoors } from './tenancy/hosts/host-doors.js';
import { HostExtensions } from './tenancy/hosts/host-extensions.js';
import { HostProvisioner } from './tenancy/hosts/host-provisioner.js';
import { HostReader } from './tenancy/hosts/host-reader.js';
import { HostTeardown } from './tenancy/hosts/host-teardown.js';
import { HostTemplates } from './tenancy/hosts/host-templates.js';
import { Registry } from './tenancy/hosts/registry.js';
import { WorkerPatrol } from './tenancy/hosts/worker-patrol.js';
import { LeakProbeStore } from './tenancy/leaks/leak-probe-store.js';
import { LeakProbes } from './tenancy/leaks/leak-probes.js';
import { LeakTest } from './tenancy/leaks/leak-test.js';
import { PartitionKeeper } from './tenancy/partitions/partition-keeper.js';
import { PartitionTargets } from './tenancy/partitions/partition-targets.js';
import { CloneSource } from './tenancy/schemas/clone-source.js';
import { PublicProvisioner } from './tenancy/schemas/public-provisioner.js';
import { SchemaProvisioner } from './tenancy/schemas/schema-provisioner.js';
import { TenantCatchUp } from './tenancy/schemas/tenant-catch-up.js';
import { TenantCopy } from './tenancy/schemas/tenant-copy.js';
import { TenantDirectory } from './tenancy/schemas/tenant-directory.js';
import { WarmSchemas } from './tenancy/schemas/warm-schemas.js';
import { DriftReader } from './tenancy/templates/drift-reader.js';
import { ScratchDatabase } from './tenancy/templates/scratch-database.js';
import { ScratchPreparation } from './tenancy/templates/scratch-preparation.js';
import { TemplateExtensions } from './tenancy/templates/template-extensions.js';
import { TemplateStore } from './tenancy/templates/template-store.js';
import { VersionRunner } from './tenancy/versions/version-runner.js';
import { WarmPool } from './warm-pool.js';

const PUBLIC_PROVIDERS = [
  AccessSync,
  DatabaseProvisioner,
  DriftReader,
  Extensions,
  FurtherLogins,
  HomeCredentials,
  HostConnections,
  HostedLogins,
  HostDoors,
  HostExtensions,
  HostProvisioner,
  HostTeardown,
  HostReader,
  HostTemplates,
  LeakProbeStore,
  LeakProbes,
  LeakTest,
  LoginHomes,
  LoginProofs,
  LoginRotation,
  LoginSessions,
  LoginStore,
  NewRotation,
  OverlapWatch,
  OwnLogin,
  PartitionKeeper,
  PartitionTargets,
  PoolerAliases,
  PublicProvisioner,
  Reconciler,
  Registry,
  SchemaProvisioner,
  ScratchDatabase,
  ServerRegistry,
  SessionPatrol,
  SqlParser,
  Strangers,
  StuckSessions,
  TemplateExtensions,
  TemplateStore,
  TenantCatchUp,
  TenantCopy,
  CloneSource,
  TenantDirectory,
  VersionRunner,
  WarmPool,
  WarmSchemas,
];

@Module({
  imports: [AuditModule],
  providers: [
    ...PUBLIC_PROVIDERS,
    AccessGroups,
    AccessPeers,
    KnownObjectsReader,
    ObjectOwnership,
    PatrolJob,
    LockPatrol,
    ReconciliationJob,
    SharedUpgradeJob,
    Repair,
    RoleProvisioner,
    ScratchPreparation,
    SessionEnd,
    StuckPatrol,
    WorkerPatrol,
  ],
  exports: PUBLIC_PROVIDERS,
})
export class ProvisioningModule {}
