import { Injectable } from '@nestjs/common';
import { alterPassword } from '../../infra/postgres/role-sql.js';
import { RoleName } from '../../kernel/identifiers.js';
import { AccessSync } from '../access/access-sync.js';
import type { ManagedServer } from '../managed-server.js';
import { PoolerAliases } from '../pooler-aliases.js';
import { FurtherLogins } from './further-logins.js';
import type { LoginHome } from './login-home.js';
import { loginName, secondLogin } from './login-names.js';
import { LoginSessions } from './login-sessions.js';
import { type LoginRow, LoginStore } from './login-store.js';

export interface NewPassword {
  readonly verifier: string;
  /** The password of that verifier; null where nobody knows it any more. */
  readonly password: string | null;
}

/** What a rotation does on the server. Each method may run again. */
@Injectable()
export class LoginRotation {
  constructor(
    private readonly logins: FurtherLogins,
    private readonly sessions: LoginSessions,
    private readonly store: LoginStore,
    private readonly aliases: PoolerAliases,
    private readonly access: AccessSync,
  ) {}

  /** The role of the second login, which cannot log in yet, and which both ports know as the home's. */
  async ensureSecond(server: ManagedServer, home: LoginHome): Promise<void> {
    const row = await this.findSecond(home);
    if (!row) throw new Error(`the second login of ${home.username} has no row`);
    await this.logins.ensure(server, home, row);
    await this.access.sync(server);
  }

  /**
   * The current login's password, at once. PgBouncer keeps the keys of the last login and would open server
   * connections with the old ones until somebody has logged in with the new password, so Rowhouse does. Where nobody
   * knows it any more (after a crash, without an ENCRYPTION_KEY), ending the sessions empties that cache.
   */
  async replace(server: ManagedServer, home: LoginHome, fresh: NewPassword): Promise<void> {
    const username = loginName(home);
    await server.postgres.execute(alterPassword(RoleName.of(username), fresh.verifier));
    await this.refresh(server, home, { ...fresh, username });
  }

  /** The same of a role that was made over the API. */
  async replaceOf(server: ManagedServer, home: LoginHome, row: LoginRow, fresh: NewPassword): Promise<void> {
    await this.logins.admit(server, home, { ...row, scramVerifier: fresh.verifier });
    await this.refresh(server, home, { ...fresh, username: row.username });
  }

  /** Gives the other login its turn; the current one goes on working beside it. */
  async admitOther(
    server: ManagedServer,
    home: LoginHome,
    { verifier, password }: NewPassword,
  ): Promise<void> {
    const username = otherName(home);
    await this.sessions.endRemainders(server, home.alias, username);
    await this.logins.admitTurn(server, home, username, verifier);
    if (password) await this.aliases.refreshKeys(server, { username, databaseName: home.alias }, password);
  }

  /** Refuses the other login on both ports. */
  async refuseOther(server: ManagedServer, home: LoginHome): Promise<void> {
    await this.logins.refuse(server, await this.otherRole(home));
  }

  /** Ends the sessions of the other login, once it is refused, and no others. */
  async endOther(server: ManagedServer, home: LoginHome): Promise<void> {
    await this.sessions.endAll(server, await this.otherRole(home));
  }

  /** Ends the sessions on both ports that began before now. */
  async endSessions(server: ManagedServer, home: LoginHome): Promise<void> {
    const second = await this.findSecond(home);
    await this.sessions.endPresent(server, home.alias, second ? [home, second] : [home]);
  }

  private async refresh(
    server: ManagedServer,
    { alias }: LoginHome,
    { username, password }: NewPassword & { username: string },
  ): Promise<void> {
    if (password) await this.aliases.refreshKeys(server, { username, databaseName: alias }, password);
    else await this.sessions.endPresent(server, alias, [{ username, roleOid: null }]);
  }

  private async otherRole(home: LoginHome): Promise<{ username: string; roleOid: number | null }> {
    if (home.login === 'second') return home;
    return (await this.findSecond(home)) ?? { username: otherName(home), roleOid: null };
  }

  private async findSecond(home: LoginHome): Promise<LoginRow | undefined> {
    return (await this.store.list(home)).find(({ purpose }) => purpose === 'rotation');
  }
}

function otherName({ username, login }: LoginHome): string {
  return login === 'own' ? secondLogin(username) : username;
}
