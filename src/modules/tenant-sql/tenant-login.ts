import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import {
  type StatementSettings,
  statementConnection,
} from '../../infra/postgres/statement/statement-connection.js';
import { StatementSession } from '../../infra/postgres/statement/statement-session.js';
import { RowhouseError } from '../../kernel/errors.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { loginName } from '../../provisioning/logins/login-names.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { credentialName, type Tenant } from '../tenants/tenant.js';

/** Opens sessions as a tenant's own login on the direct port. */
@Injectable()
export class TenantLogin {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly credentials: HomeCredentials,
  ) {}

  /** Throws CONFLICT where Rowhouse has no password that works, RESOURCE_BUSY where no connection is free. */
  async open(server: ManagedServer, tenant: Tenant, settings: StatementSettings): Promise<StatementSession> {
    const [current, next] = this.passwordsOf(tenant);
    if (current === undefined) throw withoutPassword();
    const connect = (password: string) => {
      const login = { user: loginName(tenant), database: tenant.databaseName, password };
      return StatementSession.open(
        statementConnection(server.config, this.config.caFile, { login, settings }),
      );
    };
    return connect(current)
      .catch((error: unknown) => {
        if (next !== undefined && sqlState(error) === SQLSTATE.invalidPassword) return connect(next);
        throw error;
      })
      .catch(explain);
  }

  /** While a rotation without a change of the login is under way, either of the two is in force. */
  private passwordsOf(tenant: Tenant): string[] {
    const name = credentialName(tenant);
    const isTurn = tenant.nextLogin !== null && tenant.nextLogin !== tenant.login;
    return [tenant.passwordCiphertext, isTurn ? null : tenant.nextPasswordCiphertext]
      .map((ciphertext) => this.credentials.find(name, ciphertext))
      .filter((password) => password !== null);
  }
}

function explain(error: unknown): never {
  const state = sqlState(error);
  const why = state === undefined ? undefined : REFUSALS[state];
  if (why) throw new RowhouseError('CONFLICT', why, { cause: error });
  if (state !== SQLSTATE.tooManyConnections) throw error;
  throw new RowhouseError('RESOURCE_BUSY', 'All connections of the tenant, or of the server, are in use.', {
    headers: { 'Retry-After': '1' },
    cause: error,
  });
}

const REFUSALS: Readonly<Record<string, string>> = {
  [SQLSTATE.invalidPassword]:
    "The tenant's password is not the one that Rowhouse gave. Rotate the credentials, or reconcile the server.",
  [SQLSTATE.invalidAuthorization]:
    "The tenant's role may not log in, though the tenant is active. Reconcile the server.",
  [SQLSTATE.invalidCatalogName]: "The tenant's database is not on the server. Reconcile it.",
  [SQLSTATE.insufficientPrivilege]:
    "The tenant's role may not connect to its database, though the tenant is active. Reconcile the server.",
};

function withoutPassword(): RowhouseError {
  return new RowhouseError(
    'CONFLICT',
    "Rowhouse does not know the tenant's password: it was made without this ENCRYPTION_KEY. Set the key and rotate the tenant's credentials.",
  );
}
