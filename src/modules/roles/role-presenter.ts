import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { MASK } from '../../kernel/masking.js';
import type { HomeType, LoginHome } from '../../provisioning/logins/login-home.js';
import type { LoginRow } from '../../provisioning/logins/login-store.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { connectionStrings } from '../databases/connection-strings.js';
import type { DatabaseRoleDto, DeletedRoleDto, RoleDto, RoleWithPasswordDto } from './dto/role.dto.js';

export interface PresentedRole {
  /** As the route has it: a tenant's own database is a tenant there. */
  readonly type: HomeType;
  readonly home: LoginHome;
  readonly row: LoginRow;
}

/** Turns rows into answers. Without a password, the strings are masked. */
@Injectable()
export class RolePresenter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  role({ type, home, row }: PresentedRole, password: string = MASK): RoleDto | DatabaseRoleDto {
    const { connection_string, connection_string_pooled, ...shadow } = this.strings(home, row, password);
    const mayEnter = row.access === 'owner';
    return {
      id: row.id,
      name: row.name,
      username: row.username,
      access: row.access,
      status: row.status,
      max_connections: row.maxConnections,
      allowed_cidrs: row.networks && [...row.networks],
      expires_at: row.expiresAt?.toISOString() ?? null,
      connection_string,
      connection_string_pooled,
      ...(type === 'database' && (mayEnter ? shadow : NO_SHADOW)),
      created_at: row.createdAt.toISOString(),
      updated_at: row.updatedAt.toISOString(),
    };
  }

  roleWithPassword(role: PresentedRole, password: string): RoleWithPasswordDto {
    return { ...this.role(role, password), password };
  }

  deleted({ id, username }: LoginRow): DeletedRoleDto {
    return { id, username, status: 'deleted' };
  }

  private strings(home: LoginHome, { username }: LoginRow, password: string) {
    const { host, port, pooler } = this.servers.configOf(home.serverId);
    const { publicHost } = this.config;
    // Only a tenant schema has another name on the pooled port.
    const alias = home.type === 'tenant' ? { database: home.alias } : {};
    return connectionStrings({
      databaseName: home.databaseName,
      username,
      password,
      direct: { host: publicHost ?? host, port },
      pooled: pooler && { host: publicHost ?? pooler.host, port: pooler.port, ...alias },
      schema: null,
      canHaveShadow: home.type === 'database',
    });
  }
}

const NO_SHADOW = { shadow_database_url: null, shadow_database_url_pooled: null };
