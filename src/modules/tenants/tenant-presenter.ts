import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { MASK } from '../../kernel/masking.js';
import { homeAccess } from '../../provisioning/access/home-access.js';
import { loginName } from '../../provisioning/logins/login-names.js';
import type { Overlap } from '../../provisioning/logins/login-store.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { type ConnectionTarget, connectionStrings } from '../databases/connection-strings.js';
import { toPrevious } from '../databases/database-presenter.js';
import type {
  DeletedTenantDto,
  RotatedTenantCredentialsDto,
  TenantCredentialsDto,
  TenantDto,
  TenantStringsDto,
  TenantWithPasswordDto,
} from './dto/tenant.dto.js';
import { accessTerms, aliasOf, type Tenant } from './tenant.js';

/** Turns rows into answers. Without a password, the strings are masked. */
@Injectable()
export class TenantPresenter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  target(tenant: Tenant, password: string = MASK): ConnectionTarget {
    const { host, port, pooler } = this.servers.configOf(tenant.serverId);
    const { publicHost } = this.config;
    return {
      databaseName: tenant.databaseName,
      username: loginName(tenant),
      password,
      direct: { host: publicHost ?? host, port },
      pooled: pooler && {
        host: publicHost ?? pooler.host,
        port: pooler.port,
        database: aliasOf(tenant),
      },
      schema: tenant.schemaName,
      canHaveShadow: false,
    };
  }

  strings(tenant: Tenant, password?: string): TenantStringsDto {
    const { connection_string, connection_string_pooled } = connectionStrings(this.target(tenant, password));
    return { connection_string, connection_string_pooled };
  }

  tenant(tenant: Tenant, password?: string): TenantDto {
    return {
      id: tenant.id,
      slug: tenant.slug,
      name: tenant.name,
      isolation: tenant.isolation,
      status: tenant.status,
      database_id: tenant.databaseId,
      database_name: tenant.databaseName,
      schema_name: tenant.schemaName,
      username: loginName(tenant),
      template_id: tenant.templateId,
      template_version: tenant.templateVersion,
      max_connections: tenant.maxConnections,
      statement_timeout_ms: tenant.statementTimeoutMs,
      lock_timeout_ms: tenant.lockTimeoutMs,
      idle_in_transaction_timeout_ms: tenant.idleInTransactionTimeoutMs,
      deletion_protection: tenant.deletionProtection,
      external_access: tenant.externalAccess,
      access: homeAccess(accessTerms(tenant), this.config.defaultAccess),
      metadata: tenant.metadata,
      cloned_from: tenant.clonedFrom,
      ...this.strings(tenant, password),
      created_at: tenant.createdAt.toISOString(),
      updated_at: tenant.updatedAt.toISOString(),
    };
  }

  tenantWithPassword(tenant: Tenant, password: string): TenantWithPasswordDto {
    return { ...this.tenant(tenant, password), password };
  }

  credentials(tenant: Tenant, password: string): TenantCredentialsDto {
    return { id: tenant.id, username: loginName(tenant), password, ...this.strings(tenant, password) };
  }

  rotated(tenant: Tenant, password: string, overlap: Overlap | null): RotatedTenantCredentialsDto {
    return { ...this.credentials(tenant, password), previous: overlap && toPrevious(overlap) };
  }

  deleted({ id, slug, schemaName }: Tenant): DeletedTenantDto {
    return { id, slug, schema_name: schemaName, status: 'deleted' };
  }
}
