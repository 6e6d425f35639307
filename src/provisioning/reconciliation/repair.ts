import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { alterOwner } from '../../infra/postgres/database-sql.js';
import { setPassword } from '../../infra/postgres/host-sql.js';
import { DatabaseName, RoleName } from '../../kernel/identifiers.js';
import { DatabaseProvisioner } from '../database-provisioner.js';
import { FurtherLogins } from '../logins/further-logins.js';
import { Strangers } from '../logins/strangers.js';
import type { ManagedServer } from '../managed-server.js';
import { PoolerAliases } from '../pooler-aliases.js';
import { RoleProvisioner } from '../role-provisioner.js';
import { HostProvisioner } from '../tenancy/hosts/host-provisioner.js';
import { type ExpectedHome, lockExpectedHome } from './expected-homes.js';
import { lockExpectedTenant } from './expected-tenancy.js';
import type { RepairAction } from './finding.js';
import { ObjectOwnership } from './object-ownership.js';
import { resetSettings } from './reset-settings.js';

type HomeAction = Extract<RepairAction, { home: ExpectedHome }>;

const FORGET_SHADOW =
  'UPDATE databases SET shadow_database_oid = NULL, shadow_created_at = NULL WHERE id = $1';
const RETIRE_WARM = `UPDATE warm_databases SET state = 'retired' WHERE id = $1 AND state = 'ready'`;
const RETIRE_WARM_SCHEMA = `UPDATE warm_schemas SET state = 'retired' WHERE id = $1 AND state = 'ready'`;
const LOCK_HOST = `
  SELECT id FROM hosts WHERE database_id = $1 AND $2 IN (app_verifier, readonly_verifier) FOR UPDATE`;
const RECORD_ROLE = 'UPDATE databases SET role_oid = $2 WHERE id = $1';

/** Brings the server back to what the control database says. It drops nothing. */
@Injectable()
export class Repair {
  constructor(
    private readonly dataSource: DataSource,
    private readonly roles: RoleProvisioner,
    private readonly logins: FurtherLogins,
    private readonly provisioner: DatabaseProvisioner,
    private readonly aliases: PoolerAliases,
    private readonly hosts: HostProvisioner,
    private readonly strangers: Strangers,
    private readonly ownership: ObjectOwnership,
  ) {}

  /** Returns false when the home has moved on meanwhile, so that there is nothing to repair. */
  async run(server: ManagedServer, action: RepairAction): Promise<boolean> {
    if (action.type === 'sync_aliases') {
      await this.aliases.refresh(server);
      return true;
    }
    if (action.type === 'resume_alias') {
      await this.aliases.reopen(server, action.alias);
      return true;
    }
    if (action.type === 'restore_host_roles') {
      await this.hosts.closeRoles(server, action.databaseName);
      return true;
    }
    if (action.type === 'restore_host_login') return this.restoreHostLogin(server, action);
    if (action.type === 'give_back') return this.ownership.giveBack(server, action.databaseId);
    return this.withSettledHome(action.home, (tx, expected) =>
      this.restore(tx, server, { action, expected }),
    );
  }

  /** Holds the row meanwhile, so that no rotation gets in between. */
  private restoreHostLogin(
    server: ManagedServer,
    { databaseId, username, verifier }: Extract<RepairAction, { type: 'restore_host_login' }>,
  ): Promise<boolean> {
    return this.dataSource.transaction(async (tx) => {
      const rows: unknown[] = await tx.query(LOCK_HOST, [databaseId, verifier]);
      if (rows.length === 0) return false;
      await server.postgres.execute(setPassword(RoleName.of(username), verifier));
      return true;
    });
  }

  /** Holds the row meanwhile, so that no operation begins on the home. */
  private withSettledHome(
    before: ExpectedHome,
    work: (tx: EntityManager, expected: ExpectedHome) => Promise<void>,
  ): Promise<boolean> {
    return this.dataSource.transaction(async (tx) => {
      const expected = await lock(tx, before);
      if (!expected || expected.isBusy || expected.status !== before.status) return false;
      await work(tx, expected);
      return true;
    });
  }

  private restore(
    tx: EntityManager,
    server: ManagedServer,
    { action, expected }: { action: HomeAction; expected: ExpectedHome },
  ): Promise<void> {
    switch (action.type) {
      case 'restore_role':
        return this.restoreRole(server, expected);
      case 'recreate_role':
        return this.recreateRole(tx, server, expected);
      case 'restore_database':
        return this.restoreDatabases(server, expected);
      case 'revoke_connect':
        return this.strangers.evict(server, expected.home.databaseName);
      case 'reset_settings':
        return resetSettings(server.postgres, action);
      case 'forget_shadow':
        return update(tx, FORGET_SHADOW, expected);
      case 'retire_warm':
        return this.retire(tx, server, expected);
    }
  }

  /** Whoever made it able to log in may have done more: it is not handed out any more. */
  private async retire(tx: EntityManager, server: ManagedServer, expected: ExpectedHome): Promise<void> {
    await this.provisioner.disableLogin(server, expected.home);
    await update(tx, expected.kind === 'warm_schema' ? RETIRE_WARM_SCHEMA : RETIRE_WARM, expected);
  }

  private async restoreRole(server: ManagedServer, { kind, status, home }: ExpectedHome): Promise<void> {
    const hasOwner = kind === 'database' || kind === 'tenant';
    if (hasOwner && status === 'active') return this.logins.openAll(server, home);
    await this.roles.applySettings(server, home);
    await this.provisioner.disableLogin(server, home);
  }

  /** With the stored verifier, so that the password that the tenant has still works. */
  private async recreateRole(
    tx: EntityManager,
    server: ManagedServer,
    expected: ExpectedHome,
  ): Promise<void> {
    const { home } = expected;
    const roleOid = await this.roles.ensure(server, { username: home.username, roleOid: null });
    for (const name of databasesOf(expected)) {
      await server.postgres.execute(alterOwner(name, RoleName.of(home.username)));
    }
    await update(tx, RECORD_ROLE, expected, roleOid);
    await this.restoreRole(server, { ...expected, home: { ...home, roleOid } });
  }

  private async restoreDatabases(server: ManagedServer, expected: ExpectedHome): Promise<void> {
    for (const name of databasesOf(expected)) {
      await this.provisioner.ensurePrivileges(server, { databaseName: name.value });
    }
  }
}

function lock(tx: EntityManager, before: ExpectedHome): Promise<ExpectedHome | null> {
  const isTenant = before.kind === 'tenant' || before.kind === 'warm_schema';
  return isTenant ? lockExpectedTenant(tx, before) : lockExpectedHome(tx, before);
}

/** In the transaction that holds the row. */
async function update(
  tx: EntityManager,
  sql: string,
  { id }: ExpectedHome,
  ...values: unknown[]
): Promise<void> {
  await tx.query(sql, [id, ...values]);
}

function databasesOf({ home: { databaseName, shadowDatabaseOid } }: ExpectedHome): DatabaseName[] {
  const main = DatabaseName.of(databaseName);
  return shadowDatabaseOid === null ? [main] : [main, main.shadow];
}
