import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { FIND_VERIFIERS } from '../../infra/postgres/login-sql.js';
import type { ManagedServer } from '../managed-server.js';
import { LoginHomes } from './login-home.js';
import { LoginStore } from './login-store.js';
import { OwnLogin } from './own-login.js';

const FIND_TENANTS = `
  SELECT t.username, t.scram_verifier AS verifier
  FROM tenants t JOIN databases d ON d.id = t.database_id
  WHERE d.database_name = $1 AND t.isolation = 'schema' AND t.status = 'active'`;

interface Known extends Record<string, unknown> {
  readonly username: string;
  readonly verifier: string | null;
}

/** The logins of the tenants in one hosting database. */
@Injectable()
export class HostedLogins {
  constructor(
    private readonly dataSource: DataSource,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly own: OwnLogin,
  ) {}

  /**
   * Whoever has the host's `_app` login may become each tenant, and so change its password: once those sessions have
   * ended, what they changed is put back.
   */
  async restore(server: ManagedServer, databaseName: string, operationId: string): Promise<void> {
    const tenants: Known[] = await this.dataSource.query(FIND_TENANTS, [databaseName]);
    const usernames = tenants.map(({ username }) => username);
    const found = await server.postgres.query<Known>(FIND_VERIFIERS, [usernames]);
    const verifiers = new Map(found.map(({ username, verifier }) => [username, verifier]));
    const changed = tenants.filter(({ username, verifier }) => verifiers.get(username) !== verifier);
    for (const { username } of changed) {
      const home = await this.homes.findByRole(username);
      if (!home) continue;
      const overlap = await this.store.findOverlap(home);
      await this.own.restore(server, home, { overlap, operationId });
    }
  }
}
