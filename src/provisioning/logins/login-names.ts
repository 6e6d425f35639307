import { RoleName } from '../../kernel/identifiers.js';

/** The two logins of a home that take turns when its password is rotated with an overlap. */
export type LoginTurn = 'own' | 'second';

/** Of the home's own role, which owns everything whether or not it may log in. */
export function secondLogin(username: string): string {
  return RoleName.of(`${username}_2`).value;
}

/** The name that the home's clients log in with at present. */
export function loginName({ username, login }: { username: string; login: LoginTurn }): string {
  return login === 'own' ? username : secondLogin(username);
}

export function otherTurn(turn: LoginTurn): LoginTurn {
  return turn === 'own' ? 'second' : 'own';
}

/** The NOLOGIN roles of a home through which its further roles get their rights. */
export interface AccessGroupNames {
  readonly readers: RoleName;
  readonly writers: RoleName;
}

export function accessGroups(username: string): AccessGroupNames {
  return { readers: RoleName.of(`${username}_ro`), writers: RoleName.of(`${username}_rw`) };
}

/** What a role of a home may not be called, since its role on the server would have another's name, or seem to. */
export const RESERVED_ROLE_NAMES: ReadonlySet<string> = new Set([
  'admin',
  'app',
  'none',
  'pgbouncer',
  'postgres',
  'provisioner',
  'public',
  'readers',
  'ro',
  'rowhouse',
  'rw',
  'shadow',
  'tenants',
]);

export function roleUsername(home: string, name: string): string {
  return RoleName.of(`${home}_${name}`).value;
}
