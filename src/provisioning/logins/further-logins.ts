import { Injectable } from '@nestjs/common';
import {
  actAs,
  admitLogin,
  alterLoginSettings,
  bindToDatabases,
  joinGroup,
  type LoginTerms,
  refuseLogin,
  setSearchPath,
} from '../../infra/postgres/login-sql.js';
import { alterRoleSettings, type RoleRow, type RoleSettings } from '../../infra/postgres/role-sql.js';
import { DatabaseName, RoleName } from '../../kernel/identifiers.js';
import type { ManagedServer } from '../managed-server.js';
import { type Role, RoleProvisioner } from '../role-provisioner.js';
import { AccessGroups } from './access-groups.js';
import { type LoginHome, LoginHomes } from './login-home.js';
import { accessGroups, loginName } from './login-names.js';
import { type LoginRow, LoginStore } from './login-store.js';

interface OwnLogin extends RoleSettings {
  readonly username: string;
  readonly roleOid: number | null;
  readonly scramVerifier: string;
}

/**
 * Everybody who logs in to a home: its own role, the second login that takes turns with it, and the roles that were
 * made over the API. Every method looks first and acts second.
 */
@Injectable()
export class FurtherLogins {
  constructor(
    private readonly roles: RoleProvisioner,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly groups: AccessGroups,
  ) {}

  /** A role that cannot log in yet, with what it may do. */
  async ensure(server: ManagedServer, home: LoginHome, row: LoginRow): Promise<void> {
    if (!actsAsOwner(home, row)) await this.groups.ensure(server, home);
    const roleOid = await this.roles.ensure(server, row);
    await this.store.record(row.id, { roleOid });
    await server.postgres.execute(bindLogin(home, row));
  }

  /** Password and LOGIN for one of the home's two logins; `verifier` is what it shall have. */
  async admitTurn(server: ManagedServer, home: LoginHome, username: string, verifier: string): Promise<void> {
    await server.postgres.execute(admitLogin(RoleName.of(username), { ...home, verifier, expiresAt: null }));
  }

  /** Password, LOGIN, limits and end of a role that was asked for. */
  async admit(server: ManagedServer, home: LoginHome, row: LoginRow): Promise<void> {
    if (row.scramVerifier === null) return;
    await server.postgres.execute(
      admitLogin(RoleName.of(row.username), termsOf(home, row, row.scramVerifier)),
    );
  }

  async refuse(server: ManagedServer, login: Role): Promise<RoleRow | null> {
    const found = await this.roles.find(server, login);
    if (found) await server.postgres.execute(refuseLogin(RoleName.of(login.username)));
    return found;
  }

  /** Lets everybody in who shall be: as the rows say, and nobody else. */
  async openAll(server: ManagedServer, own: OwnLogin): Promise<void> {
    const found = await this.read(own.username);
    if (!found || found.rows.length === 0) return this.roles.enableLogin(server, own);
    const { home } = found;
    for (const row of found.rows.filter(isUsable)) {
      if (!(await this.roles.find(server, row))) await this.ensure(server, home, row);
    }
    const rows = await this.store.list(home);
    const { roleOid, scramVerifier } = own;
    await this.switchTurns(server, { ...home, roleOid, scramVerifier }, rows);
    for (const row of rows.filter(isAdmitted)) await this.admit(server, home, row);
  }

  /** Lets nobody in. Returns the roles that there are, whose sessions may live on. */
  async closeAll(server: ManagedServer, own: Role): Promise<RoleRow[]> {
    const rows = (await this.read(own.username))?.rows ?? [];
    const closed = [await this.roles.disableLogin(server, own)];
    for (const row of rows) closed.push(await this.roles.disableLogin(server, row));
    return closed.filter((role) => role !== null);
  }

  /** Limits and timeouts of all: a role's own limit of connections stays. */
  async applySettings(server: ManagedServer, own: OwnLogin): Promise<void> {
    await this.roles.applySettings(server, own);
    for (const row of (await this.read(own.username))?.rows ?? []) {
      const isThere = await this.roles.find(server, row);
      if (!isThere) continue;
      const settings = row.purpose === 'rotation' ? own : { ...own, maxConnections: row.maxConnections };
      await server.postgres.execute(alterRoleSettings(RoleName.of(row.username), settings));
    }
  }

  /** What may change of a role while it is in use. */
  async change(server: ManagedServer, home: LoginHome, row: LoginRow): Promise<void> {
    const settings = { ...home, maxConnections: row.maxConnections };
    await server.postgres.execute(alterLoginSettings(RoleName.of(row.username), settings, row.expiresAt));
  }

  /** Lets those into a new database of the home who act as its owner: its shadow database. */
  async bindOwners(server: ManagedServer, own: Role): Promise<void> {
    const found = await this.read(own.username);
    const owners = found?.rows.filter(({ access, roleOid }) => access === 'owner' && roleOid !== null) ?? [];
    for (const row of owners) {
      await server.postgres.execute(bindLogin({ ...(found as Found).home, hasShadow: true }, row));
    }
  }

  drop(server: ManagedServer, row: Role): Promise<void> {
    return this.roles.drop(server, row);
  }

  /** With the groups; when the home's databases or schema are gone. */
  async dropAll(server: ManagedServer, { username }: Pick<Role, 'username'>): Promise<void> {
    for (const row of (await this.read(username))?.rows ?? []) await this.roles.drop(server, row);
    await this.groups.drop(server, { username });
  }

  /** Before the home's databases are gone nothing can be dropped that is mentioned there. */
  async read(username: string): Promise<Found | null> {
    const home = await this.homes.findByRole(username);
    return home && { home, rows: await this.store.list(home) };
  }

  private async switchTurns(
    server: ManagedServer,
    home: LoginHome,
    rows: readonly LoginRow[],
  ): Promise<void> {
    const overlap = await this.store.findOverlap(home);
    const second = rows.find(({ purpose }) => purpose === 'rotation');
    const logins: Role[] = second ? [home, second] : [home];
    for (const login of logins) {
      const isCurrent = login.username === loginName(home);
      const verifier = isCurrent
        ? home.scramVerifier
        : overlap?.username === login.username
          ? overlap.scramVerifier
          : null;
      if (verifier !== null) await this.admitTurn(server, home, login.username, verifier);
      else await this.refuse(server, login);
    }
  }
}

export interface Found {
  readonly home: LoginHome;
  readonly rows: readonly LoginRow[];
}

function isUsable({ status }: LoginRow): boolean {
  return status === 'active';
}

function isAdmitted({ purpose, status }: LoginRow): boolean {
  return purpose === 'role' && status === 'active';
}

/** In a tenant's schema whoever writes does: the tables belong to the host's provisioner, so there is no other owner. */
function actsAsOwner({ type }: LoginHome, { access }: Pick<LoginRow, 'access'>): boolean {
  return access === 'owner' || (type === 'tenant' && access === 'readwrite');
}

function termsOf(home: LoginHome, { maxConnections, expiresAt }: LoginRow, verifier: string): LoginTerms {
  return { ...home, maxConnections, expiresAt, verifier };
}

function bindLogin(home: LoginHome, { username, access }: LoginRow): string {
  const login = RoleName.of(username);
  const main = DatabaseName.of(home.databaseName);
  const { readers, writers } = accessGroups(home.username);
  if (home.type === 'tenant') {
    const rights = actsAsOwner(home, { access })
      ? actAs(login, RoleName.of(home.username), [main])
      : joinGroup(login, readers);
    return `${rights}; ${setSearchPath(login, main, [home.alias, 'shared', 'public'])}`;
  }
  const path = home.hasTemplate ? setSearchPath(login, main, ['public', 'shared']) : '';
  if (access !== 'owner') return `${joinGroup(login, access === 'readonly' ? readers : writers)}; ${path}`;
  const databases = home.hasShadow ? [main, main.shadow] : [main];
  const act = actAs(login, RoleName.of(home.username), databases);
  return `${bindToDatabases(login, databases)}; ${act}; ${path}`;
}
