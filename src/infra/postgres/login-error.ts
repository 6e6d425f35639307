import { SQLSTATE, sqlState } from './sqlstate.js';

/** PostgreSQL or PgBouncer is there and refuses the user; the message names the variables that decide. */
export class LoginError extends Error {
  constructor(message: string, options: ErrorOptions) {
    super(message, options);
    this.name = 'LoginError';
  }
}

export interface LoginVariables {
  /** Such as `PostgreSQL`. */
  readonly server: string;
  readonly user: string;
  readonly userVariable: string;
  readonly passwordVariable: string;
  readonly isPasswordSet: boolean;
}

/** The error itself unless it is a refused login. */
export function explainLogin(error: unknown, login: LoginVariables): unknown {
  const { server, user, userVariable, passwordVariable } = login;
  const state = sqlState(error);
  if (state === SQLSTATE.invalidPassword && !login.isPasswordSet)
    return new LoginError(`${passwordVariable} is not set: ${server} wants the password of ${user}`, {
      cause: error,
    });
  if (state === SQLSTATE.invalidPassword)
    return new LoginError(
      `${server} refuses the password of ${user}: check ${passwordVariable} (and ${userVariable})`,
      { cause: error },
    );
  if (state === SQLSTATE.invalidAuthorization)
    return new LoginError(
      `${server} does not let ${user} in: check ${userVariable}, and the line for it in pg_hba.conf`,
      { cause: error },
    );
  return error;
}
