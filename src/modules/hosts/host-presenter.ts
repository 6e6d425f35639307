import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { MASK } from '../../kernel/masking.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { type HostRoles, hostRoles } from '../../provisioning/tenancy/hosts/host-roles.js';
import { connectionStrings } from '../databases/connection-strings.js';
import type { HostDto, HostLoginDto } from './dto/host.dto.js';
import type { Host, HostRole } from './hosts.repository.js';

export type HostPasswords = Partial<Record<HostRole, string>>;

/** Turns rows into answers; a password that is not given is masked. */
@Injectable()
export class HostPresenter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  host(host: Host, passwords: HostPasswords = {}): HostDto {
    const roles = hostRoles(host.databaseName);
    return {
      id: host.id,
      database_id: host.databaseId,
      database_name: host.databaseName,
      status: host.status,
      host_group: host.groupName,
      tenants: host.tenants,
      max_tenants: host.maxTenants,
      app: this.login(host, roles, 'app', passwords),
      readonly: this.login(host, roles, 'readonly', passwords),
      created_at: host.createdAt.toISOString(),
    };
  }

  private login(host: Host, roles: HostRoles, role: HostRole, passwords: HostPasswords): HostLoginDto {
    const { host: address, port, pooler } = this.servers.configOf(host.serverId);
    const { publicHost } = this.config;
    const username = roles[role].value;
    const password = passwords[role];
    const { connection_string, connection_string_pooled } = connectionStrings({
      databaseName: host.databaseName,
      username,
      password: password ?? MASK,
      direct: { host: publicHost ?? address, port },
      pooled: pooler && { host: publicHost ?? pooler.host, port: pooler.port },
      schema: null,
      canHaveShadow: false,
    });
    return {
      username,
      ...(password !== undefined && { password }),
      connection_string,
      connection_string_pooled,
    };
  }
}
