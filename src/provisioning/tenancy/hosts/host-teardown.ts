import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ManagedServer } from '../../managed-server.js';
import { RoleProvisioner } from '../../role-provisioner.js';
import { HostConnections } from './host-connections.js';
import { HostProvisioner } from './host-provisioner.js';

const RETIRE = `
  UPDATE warm_schemas w SET state = 'retired' FROM databases d
  WHERE d.id = w.database_id AND d.database_name = $1
  RETURNING w.id, w.username, w.role_oid AS "roleOid"`;

interface StockedLogin {
  readonly id: string;
  readonly username: string;
  readonly roleOid: number | null;
}

/** What goes with a database that hosted tenants: its roles, and the logins of the schemas in stock there. */
@Injectable()
export class HostTeardown {
  constructor(
    private readonly dataSource: DataSource,
    private readonly connections: HostConnections,
    private readonly hosts: HostProvisioner,
    private readonly roles: RoleProvisioner,
  ) {}

  /** Before the database is dropped: nobody claims a schema in it any more, and Rowhouse's own sessions leave. */
  async close(server: ManagedServer, databaseName: string): Promise<void> {
    await this.dataSource.query(RETIRE, [databaseName]);
    this.connections.forget(server, databaseName);
  }

  /** After it was dropped. */
  async dropRoles(server: ManagedServer, databaseName: string): Promise<void> {
    const [stocked]: [StockedLogin[], number] = await this.dataSource.query(RETIRE, [databaseName]);
    for (const login of stocked) {
      await this.roles.drop(server, login);
      await this.dataSource.query('DELETE FROM warm_schemas WHERE id = $1', [login.id]);
    }
    await this.hosts.dropRoles(server, databaseName);
  }
}
