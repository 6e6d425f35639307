import { LOOKUP_ALIAS } from './auth-query.js';

/** From where the console and the control database may be reached besides loopback and Unix sockets. */
export type RemoteAccess = 'none' | 'tls' | 'plain';

export interface HbaRules {
  readonly adminUser: string;
  readonly authUser: string;
  readonly controlUser: string;
  readonly controlDatabase: string;
  /** For Rowhouse itself: `none` where it reaches the pooler over loopback. */
  readonly ownAccess: RemoteAccess;
}

const LOOPBACK = ['127.0.0.1/32', '::1/128'];
const EVERYWHERE = ['0.0.0.0/0', '::/0'];
const SCRAM = 'scram-sha-256';

/**
 * Renders PgBouncer's HBA file; the first line that matches decides. PgBouncer skips a line that it does not
 * understand, with a warning only, so the order is: what is allowed to few, its reject, what is allowed to all, and a
 * reject at the end. Tenants come without TLS from loopback and Unix sockets only.
 */
export function renderHba(rules: HbaRules): string {
  const { adminUser, authUser, controlUser, controlDatabase, ownAccess } = rules;
  return [
    '# Written by Rowhouse. Changes are overwritten.\n',
    ...admit('pgbouncer', adminUser, ownAccess),
    ...reject('"pgbouncer"', 'all'),
    ...admit(controlDatabase, controlUser, ownAccess),
    ...reject(quote(controlDatabase), 'all'),
    ...reject(quote(LOOKUP_ALIAS), 'all'),
    ...[adminUser, authUser, controlUser].flatMap((user) => reject('all', quote(user))),
    ...admitAll(),
    ...reject('all', 'all'),
  ].join('');
}

function admit(database: string, user: string, access: RemoteAccess): string[] {
  const who = `${quote(database)} ${quote(user)}`;
  const remote = access === 'none' ? [] : EVERYWHERE;
  const type = access === 'tls' ? 'hostssl' : 'host';
  return [
    `local ${who} ${SCRAM}\n`,
    ...LOOPBACK.map((address) => `host ${who} ${address} ${SCRAM}\n`),
    ...remote.map((address) => `${type} ${who} ${address} ${SCRAM}\n`),
  ];
}

function admitAll(): string[] {
  return [
    `local all all ${SCRAM}\n`,
    ...LOOPBACK.map((address) => `host all all ${address} ${SCRAM}\n`),
    ...EVERYWHERE.map((address) => `hostssl all all ${address} ${SCRAM}\n`),
  ];
}

function reject(database: string, user: string): string[] {
  return [
    `local ${database} ${user} reject\n`,
    ...EVERYWHERE.map((address) => `host ${database} ${user} ${address} reject\n`),
  ];
}

/** Quoted, a name is never taken for a keyword. There is no way to write a double quote inside. */
function quote(name: string): string {
  if (!/^[^"\0\r\n]{1,63}$/.test(name)) throw new TypeError('the name cannot stand in an HBA file');
  return `"${name}"`;
}
