import { DatabaseError } from 'pg';
import type { Config } from '../../config/config.js';
import { RowhouseError } from '../../kernel/errors.js';
import { isUnavailable } from '../postgres/sqlstate.js';

/** PgBouncer gives all its refusals one SQLSTATE, so there is only their text to tell them by. */
const HBA_REFUSAL = 'login rejected';
const PASSWORD_REFUSAL =
  /^(no such user|SASL authentication failed|password authentication failed|bouncer config error)/;
const UNKNOWN_DATABASE = /^no such database/;
const NO_ADMIN = 'not allowed';

export interface PooledLogin {
  readonly user: string;
  readonly database: string;
}

/**
 * For an operator: what PgBouncer needs to let one of Rowhouse's own users in, or that it is PgBouncer that does not
 * answer. Returns any other error as it is.
 */
export function explainPoolerRefusal(error: unknown, config: Config, login: PooledLogin): unknown {
  const { pooler } = config.server;
  if (!pooler || !(error instanceof Error)) return error;
  const explain = (what: string, advice: string) =>
    new RowhouseError('SERVICE_UNAVAILABLE', `PgBouncer on port ${pooler.port} ${what}: ${advice}.`, {
      cause: error,
    });
  if (!(error instanceof DatabaseError)) {
    if (!isUnavailable(error)) return error;
    const kind = 'code' in error ? error.code : error.message;
    return explain(
      `does not answer (${kind})`,
      'start it, or correct DB_PGBOUNCER_HOST, DB_PGBOUNCER_PORT or DB_SOCKET_DIR',
    );
  }
  const advice = adviceFor(error.message, config, login);
  if (advice === null) return error;
  return explain(`refuses the login of "${login.user}" to "${login.database}" (${error.message})`, advice);
}

function adviceFor(message: string, { server, control }: Config, { user, database }: PooledLogin) {
  const { adminUser, authUser, configDir } = server.pooler ?? {};
  if (message === HBA_REFUSAL) {
    return configDir
      ? `auth_hba_file must be ${configDir}/hba.conf, which Rowhouse writes where it is empty; have PgBouncer read it (systemctl reload pgbouncer, or kill -HUP) and start again`
      : `its HBA file must admit "${user}" to "${database}" from the address of Rowhouse`;
  }
  if (PASSWORD_REFUSAL.test(message)) {
    return `its auth_file needs three users with their passwords in plain text, "${control.user}" (DB_PASSWORD), "${adminUser}" (PGBOUNCER_ADMIN_PASSWORD) and "${authUser}" (PGBOUNCER_AUTH_PASSWORD)`;
  }
  if (message === NO_ADMIN) return `set admin_users = ${user}`;
  if (!UNKNOWN_DATABASE.test(message)) return null;
  return `its section [databases] needs an entry ${database}, beside the %include of databases.ini`;
}
