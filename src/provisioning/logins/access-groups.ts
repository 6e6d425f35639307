import { Injectable } from '@nestjs/common';
import {
  admitGroups,
  grantComing,
  grantPresent,
  grantTenantReaders,
} from '../../infra/postgres/access-group-sql.js';
import { FIND_ROLES } from '../../infra/postgres/host-sql.js';
import { joinGroup } from '../../infra/postgres/login-sql.js';
import { DatabaseName, type RoleName, SchemaName } from '../../kernel/identifiers.js';
import type { ManagedServer } from '../managed-server.js';
import { RoleProvisioner } from '../role-provisioner.js';
import { HostProvisioner } from '../tenancy/hosts/host-provisioner.js';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import type { LoginHome } from './login-home.js';
import { accessGroups } from './login-names.js';

/**
 * The roles without login through which a home's readers and writers get their rights: on what there is, and by
 * default privileges on what its owner makes later. They are made when first needed and go with the home.
 */
@Injectable()
export class AccessGroups {
  constructor(
    private readonly roles: RoleProvisioner,
    private readonly hosts: HostProvisioner,
  ) {}

  /** May run again, and then covers what was made in between by whomever. */
  async ensure(server: ManagedServer, home: LoginHome): Promise<void> {
    if (home.type === 'tenant') await this.ensureTenant(server, home);
    else await this.ensureDatabase(server, home);
  }

  async drop(server: ManagedServer, { username }: Pick<LoginHome, 'username'>): Promise<void> {
    const { readers, writers } = accessGroups(username);
    for (const group of [writers, readers]) {
      await this.roles.drop(server, { username: group.value, roleOid: null });
    }
  }

  private async ensureDatabase(server: ManagedServer, home: LoginHome): Promise<void> {
    const groups = accessGroups(home.username);
    for (const group of [groups.readers, groups.writers]) await this.ensureGroup(server, group);
    await server.postgres.execute(admitGroups(DatabaseName.of(home.databaseName), groups));
    const { provisioner, readonly } = hostRoles(home.databaseName);
    const isHost = (await server.postgres.query(FIND_ROLES, [[readonly.value]])).length > 0;
    if (isHost) await server.postgres.execute(joinGroup(groups.readers, readonly));
    await server.postgres.inDatabase(home.databaseName, async (client) => {
      // First what comes, so that nothing is made in between; a tenant's own tables stand in `public`.
      await client.query(grantComing(home.username, groups, null));
      if (isHost) await client.query(grantComing(provisioner.value, groups, 'public'));
      await client.query(grantPresent(home.username, groups, null));
      if (isHost) await client.query(grantPresent(provisioner.value, groups, 'public'));
    });
  }

  private async ensureTenant(server: ManagedServer, home: LoginHome): Promise<void> {
    const roles = hostRoles(home.databaseName);
    const { readers } = accessGroups(home.username);
    const hasReaders = (await server.postgres.query(FIND_ROLES, [[roles.readers.value]])).length > 0;
    if (!hasReaders) await this.hosts.ensure(server, { databaseName: home.databaseName, ownerRole: null });
    await this.ensureGroup(server, readers);
    await server.postgres.execute(joinGroup(readers, roles.readers));
    const grants = grantTenantReaders(readers, SchemaName.of(home.alias), roles.provisioner);
    await server.postgres.inDatabase(home.databaseName, (client) => client.query(grants));
  }

  private async ensureGroup(server: ManagedServer, group: RoleName): Promise<void> {
    await this.roles.ensure(server, { username: group.value, roleOid: null });
  }
}
