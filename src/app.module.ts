import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { CONFIG, type Config } from './config/config.js';
import { HttpModule } from './http/http.module.js';
import { AuditModule } from './infra/control-db/audit.module.js';
import { ControlDbModule } from './infra/control-db/control-db.module.js';
import { RedisModule } from './infra/redis/redis.module.js';
import { Clock, SystemClock } from './kernel/clock.js';
import { AddressBansModule } from './modules/address-bans/address-bans.module.js';
import { ApiKeysModule } from './modules/api-keys/api-keys.module.js';
import { CapacityModule } from './modules/capacity/capacity.module.js';
import { CredentialsModule } from './modules/credentials/credentials.module.js';
import { DatabasesModule } from './modules/databases/databases.module.js';
import { EncryptionModule } from './modules/encryption/encryption.module.js';
import { HealthModule } from './modules/health/health.module.js';
import { HostsModule } from './modules/hosts/hosts.module.js';
import { LeakTestModule } from './modules/leak-test/leak-test.module.js';
import { MetricsModule } from './modules/metrics/metrics.module.js';
import { MigrationsModule } from './modules/migrations/migrations.module.js';
import { OperationsApiModule } from './modules/operations/operations-api.module.js';
import { PartitionsModule } from './modules/partitions/partitions.module.js';
import { RolesModule } from './modules/roles/roles.module.js';
import { ServersModule } from './modules/servers/servers.module.js';
import { TemplatesModule } from './modules/templates/templates.module.js';
import { TenantSqlModule } from './modules/tenant-sql/tenant-sql.module.js';
import { TenantsModule } from './modules/tenants/tenants.module.js';
import { WhitelistsModule } from './modules/whitelists/whitelists.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { ProvisioningModule } from './provisioning/provisioning.module.js';

/** What everything may ask for: the configuration and the time. */
@Global()
@Module({})
export class FoundationModule {
  static register(config: Config): DynamicModule {
    return {
      module: FoundationModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: Clock, useClass: SystemClock },
      ],
      exports: [CONFIG, Clock],
    };
  }
}

/** The composition root: every part of Rowhouse, from the bottom up. */
@Module({})
export class AppModule {
  /** `more`: further modules of whoever embeds Rowhouse, such as a global one that binds an OperationObserver. */
  static register(config: Config, more: readonly DynamicModule[] = []): DynamicModule {
    return {
      module: AppModule,
      imports: [
        FoundationModule.register(config),
        ScheduleModule.forRoot(),
        ControlDbModule.register(),
        AuditModule,
        RedisModule,
        HttpModule.register(),
        OperationsModule,
        ProvisioningModule,
        ApiKeysModule,
        AddressBansModule,
        EncryptionModule,
        HealthModule,
        MetricsModule,
        OperationsApiModule,
        ServersModule,
        DatabasesModule,
        HostsModule,
        TemplatesModule,
        TenantsModule,
        TenantSqlModule,
        LeakTestModule,
        WhitelistsModule,
        CredentialsModule,
        RolesModule,
        MigrationsModule,
        PartitionsModule,
        CapacityModule,
        ...more,
      ],
    };
  }
}
