import type { Client } from 'pg';
import { generatePassword, newId } from '../../src/kernel/ids.js';
import { scramVerifier } from '../../src/kernel/scram.js';
import { AccessSync } from '../../src/provisioning/access/access-sync.js';
import { markOf } from '../../src/provisioning/marks.js';
import { connectFrom } from '../support/client-from.js';
import type { TestStackOptions } from '../support/stack.js';
import {
  type Door,
  type MadeHome,
  type ProvisioningFixture,
  startProvisioning,
} from './provisioning-fixture.js';

/** Who logs in, and where: the database on the direct port, the alias on the pooled one. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly alias: string;
}

/** Something with rules: a home, or a tenant in a schema. */
export type Ruled = { readonly databaseId: string } | { readonly tenantId: string };

export interface MadeTenant extends Login {
  readonly id: string;
}

export const DOORS: readonly Door[] = ['direct', 'pooled'];

/** Rules in the control database, and logins from many addresses. */
export class AccessFixture {
  readonly access: AccessSync;

  constructor(readonly base: ProvisioningFixture) {
    this.access = base.context.get(AccessSync);
  }

  sync(): Promise<void> {
    return this.access.sync(this.base.server);
  }

  async addRule(to: Ruled, network: string, expiresAt: Date | null = null): Promise<string> {
    const { databaseId, tenantId } = { databaseId: null, tenantId: null, ...to };
    const id = newId();
    await this.base.control.query(
      `INSERT INTO whitelist_rules (id, database_id, tenant_id, network, expires_at, created_by)
       VALUES ($1, $2, $3, $4, $5, 'test')`,
      [id, databaseId, tenantId, network, expiresAt],
    );
    return id;
  }

  async removeRule(id: string): Promise<void> {
    await this.base.control.query('UPDATE whitelist_rules SET removed_at = now() WHERE id = $1', [id]);
  }

  async ruleOf(id: string): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.base.control.query('SELECT * FROM whitelist_rules WHERE id = $1', [id]);
    return row;
  }

  /** A home whose only rules are these, in force. */
  async guardedHome(...networks: string[]): Promise<MadeHome> {
    const home = await this.base.make();
    for (const network of networks) await this.addRule({ databaseId: home.id }, network);
    await this.sync();
    return home;
  }

  /** A tenant with a login and an alias in the home's database, as far as access goes. */
  async tenantIn(home: MadeHome, number: string): Promise<MadeTenant> {
    const id = newId();
    const name = `tenant_${number}`;
    const password = await this.loginRole(name, home);
    await this.base.control.query(
      `INSERT INTO tenants (id, slug, name, isolation, status, server_id, database_id, schema_name, username,
         max_connections, statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms)
       VALUES ($1, $2, $2, 'schema', 'active', $3, $4, $2, $2, 5, 0, 0, 0)`,
      [id, name, this.base.server.id, home.id],
    );
    await this.base.aliases.sync(this.base.server);
    return { id, user: name, password, database: home.databaseName, alias: name };
  }

  /** A role on the server that the pooler looks up, with access to the home's database. Returns its password. */
  async loginRole(name: string, home: MadeHome): Promise<string> {
    const password = generatePassword();
    await this.base.admin(
      `CREATE ROLE ${name} LOGIN PASSWORD '${await scramVerifier(password)}';
       COMMENT ON ROLE ${name} IS '${markOf(this.base.server)}';
       GRANT CONNECT ON DATABASE ${home.databaseName} TO ${name}`,
    );
    return password;
  }

  logIn(door: Door, from: string, { user, password, database, alias }: Login): Promise<Client> {
    const { port, pooler } = this.base.config.server;
    const entry = door === 'direct' ? { port, database } : { port: pooler?.port, database: alias };
    return connectFrom(from, { ...entry, user, password });
  }

  /** From which of these addresses the login works, for each port. */
  async admitted(login: Login, addresses: readonly string[]): Promise<Record<Door, string[]>> {
    const outcome: Record<Door, string[]> = { direct: [], pooled: [] };
    for (const door of DOORS) {
      for (const address of addresses) {
        if (await this.canLogIn(door, address, login)) outcome[door].push(address);
      }
    }
    return outcome;
  }

  async canLogIn(door: Door, from: string, login: Login): Promise<boolean> {
    try {
      await (await this.logIn(door, from, login)).end();
      return true;
    } catch {
      return false;
    }
  }
}

export function loginOf({ username, password, databaseName }: MadeHome): Login {
  return { user: username, password, database: databaseName, alias: databaseName };
}

export async function startAccess(
  env: Record<string, string> = {},
  options: TestStackOptions = {},
): Promise<AccessFixture> {
  return new AccessFixture(await startProvisioning(env, options));
}
