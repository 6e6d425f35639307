import { Injectable } from '@nestjs/common';
import type { PoolerClient } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { LIST_SESSIONS } from '../../infra/postgres/login-sql.js';
import { endClients } from '../access/pooled-sweep.js';
import type { ManagedServer } from '../managed-server.js';
import { PoolerAliases } from '../pooler-aliases.js';
import { type Role, RoleProvisioner } from '../role-provisioner.js';

/** Somebody who is logged in. */
export interface LoginSession {
  readonly username: string;
  readonly port: 'direct' | 'pooled';
  /** Null over a Unix socket. */
  readonly address: string | null;
  readonly applicationName: string;
  readonly since: Date;
}

interface Backend extends Record<string, unknown> {
  readonly username: string;
  readonly pid: number;
  readonly address: string | null;
  readonly applicationName: string;
  readonly since: Date;
}

/** The sessions of single logins: a home's others are left alone. */
@Injectable()
export class LoginSessions {
  constructor(
    private readonly roles: RoleProvisioner,
    private readonly aliases: PoolerAliases,
  ) {}

  /** Those of the clients on both ports, oldest first. The pooler's own connections are not counted. */
  async list(server: ManagedServer, usernames: readonly string[]): Promise<LoginSession[]> {
    const { postgres, pooler } = server;
    const pooled = (await pooler?.servers()) ?? [];
    const behindPooler = new Set(pooled.map(({ remote_pid: pid }) => pid));
    const backends = await postgres.query<Backend>(LIST_SESSIONS, [usernames]);
    const clients = (await pooler?.clients()) ?? [];
    const wanted = new Set(usernames);
    return [
      ...backends.filter(({ pid }) => !behindPooler.has(pid)).map(toDirect),
      ...clients.filter(({ user }) => wanted.has(user)).map(toPooled),
    ].sort((a, b) => a.since.getTime() - b.since.getTime());
  }

  /** Which of these logins have a session, or had one so lately that the pooler still keeps its connection. */
  async findUsed(server: ManagedServer, usernames: readonly string[]): Promise<Set<string>> {
    const backends = await server.postgres.query<Backend>(LIST_SESSIONS, [usernames]);
    const clients = (await server.pooler?.clients()) ?? [];
    return new Set([...backends.map(({ username }) => username), ...clients.map(({ user }) => user)]);
  }

  /**
   * Ends all of a login that is refused already. Its clients at the pooler get no server connection any more; they
   * themselves are ended where that can be done to one client alone.
   */
  async endAll(server: ManagedServer, login: Role): Promise<void> {
    const role = await this.roles.find(server, login);
    if (role) await this.roles.awaitNoSessions(server, role);
    await this.endPooled(server, login.username);
  }

  /** Ends the sessions of the logins that began before now, and every pooled one of the alias. */
  async endPresent(server: ManagedServer, alias: string, logins: readonly Role[]): Promise<void> {
    await this.aliases.evict(server, alias);
    for (const login of logins) await this.roles.endSessions(server, login);
  }

  /** Ends the sessions of one login that began before now; others go with it only where the pooler knows no better. */
  async endOf(server: ManagedServer, alias: string, login: Role): Promise<void> {
    await this.endRemainders(server, alias, login.username);
    await this.roles.endSessions(server, login);
  }

  /**
   * Before a login that was refused gets another password: a client that had logged in with a former one, and was not
   * ended then, would be served again.
   */
  async endRemainders(server: ManagedServer, alias: string, username: string): Promise<void> {
    if (await this.endPooled(server, username)) return;
    await this.aliases.evict(server, alias);
  }

  /** Whether none is left. A client that was logging in meanwhile shows up in the second look. */
  private async endPooled(server: ManagedServer, username: string): Promise<boolean> {
    const { pooler } = server;
    if (!pooler) return true;
    const find = async () => (await pooler.clients()).filter(({ user }) => user === username);
    await endClients(server, await find());
    return (await endClients(server, await find())).length === 0;
  }
}

function toDirect({ username, address, applicationName, since }: Backend): LoginSession {
  return { username, port: 'direct', address: address?.split('/')[0] ?? null, applicationName, since };
}

function toPooled({ user, addr, port, application_name = '', connect_time }: PoolerClient): LoginSession {
  const suffix = ` - ${addr}:${port}`;
  return {
    username: user,
    port: 'pooled',
    address: addr === 'unix' ? null : addr,
    // The stack's PgBouncer adds the address (application_name_add_host), in its own lists too.
    applicationName: application_name.endsWith(suffix)
      ? application_name.slice(0, -suffix.length)
      : application_name,
    since: new Date(connect_time.replace(/^(\S+) (\S+) UTC$/, '$1T$2Z')),
  };
}
