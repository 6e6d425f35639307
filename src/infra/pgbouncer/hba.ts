import { EVERYWHERE, type HbaLine, LOOPBACK, renderHbaLine } from '../hba/hba-line.js';
import { PROBE_DATABASE, type ProbeAnswer } from '../hba/probe.js';
import { LOGIN_PROBE, LOOKUP_ALIAS } from './auth-query.js';

/** From where the console and the control database may be reached besides loopback and Unix sockets. */
export type RemoteAccess = 'none' | 'tls' | 'plain';

export interface HbaRules {
  readonly adminUser: string;
  readonly authUser: string;
  readonly controlUser: string;
  readonly controlDatabase: string;
  /** For Rowhouse itself: `none` where it reaches the pooler over loopback. */
  readonly ownAccess: RemoteAccess;
  /** Lines that say who reaches which home, where not everybody does. */
  readonly guards: string;
  readonly probe: ProbeAnswer;
}

const HEADER = '# Written by Rowhouse. Changes are overwritten.\n';
const SCRAM = 'scram-sha-256';

/**
 * Renders PgBouncer's HBA file; the first line that matches decides. PgBouncer skips a line that it does not
 * understand, with a warning only, so the order is: what is allowed to few, its reject, what is allowed to all, and a
 * reject at the end. Tenants come without TLS from loopback and Unix sockets only.
 */
export function renderHba(rules: HbaRules): string {
  const { adminUser, authUser, controlUser, controlDatabase, ownAccess } = rules;
  const own = [
    ...admit('pgbouncer', adminUser, ownAccess),
    ...reject(['pgbouncer'], 'all'),
    ...admit(controlDatabase, controlUser, ownAccess),
    ...reject([controlDatabase], 'all'),
    ...reject([LOOKUP_ALIAS], 'all'),
    ...(rules.probe === 'admits' ? admit(PROBE_DATABASE, authUser, ownAccess) : []),
    ...reject([PROBE_DATABASE], 'all'),
    ...admit(LOGIN_PROBE, LOGIN_PROBE, 'tls'),
    ...reject([LOGIN_PROBE], 'all'),
    ...[adminUser, authUser, controlUser, LOGIN_PROBE].flatMap((user) => reject('all', [user])),
  ];
  return [HEADER, ...render(own), rules.guards, ...render(admitAll()), ...render(reject('all', 'all'))].join(
    '',
  );
}

/** Lets Rowhouse in, and nobody else, until it has written the rules. */
export function renderFirstHba({
  adminUser,
  controlUser,
  controlDatabase,
  ownAccess,
}: Pick<HbaRules, 'adminUser' | 'controlUser' | 'controlDatabase' | 'ownAccess'>): string {
  return render([
    ...admit(controlDatabase, controlUser, ownAccess),
    ...admit('pgbouncer', adminUser, ownAccess),
  ]).join('');
}

function render(lines: readonly HbaLine[]): string[] {
  return lines.map(renderHbaLine);
}

function admit(database: string, user: string, access: RemoteAccess): HbaLine[] {
  const line = { databases: [database], users: [user], method: SCRAM } as const;
  const remote = access === 'none' ? [] : EVERYWHERE;
  const type = access === 'tls' ? 'hostssl' : 'host';
  return [
    { ...line, type: 'local', network: null },
    ...LOOPBACK.map((network): HbaLine => ({ ...line, type: 'host', network })),
    ...remote.map((network): HbaLine => ({ ...line, type, network })),
  ];
}

function admitAll(): HbaLine[] {
  const line = { databases: 'all', users: 'all', method: SCRAM } as const;
  return [
    { ...line, type: 'local', network: null },
    ...LOOPBACK.map((network): HbaLine => ({ ...line, type: 'host', network })),
    ...EVERYWHERE.map((network): HbaLine => ({ ...line, type: 'hostssl', network })),
  ];
}

function reject(databases: HbaLine['databases'], users: HbaLine['users']): HbaLine[] {
  const line = { databases, users, method: 'reject' } as const;
  return [
    { ...line, type: 'local', network: null },
    ...EVERYWHERE.map((network): HbaLine => ({ ...line, type: 'host', network })),
  ];
}
