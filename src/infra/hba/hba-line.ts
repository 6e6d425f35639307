import { Cidr } from '../../kernel/cidr.js';

export const EVERYWHERE = [Cidr.parse('0.0.0.0/0'), Cidr.parse('::/0')];
/** From where clients may come without TLS. */
export const LOOPBACK = [Cidr.parse('127.0.0.1/32'), Cidr.parse('::1/128')];

/** Over a Unix socket; over TCP; over TCP with TLS only. */
export type HbaType = 'local' | 'host' | 'hostssl';

export type HbaMethod = 'scram-sha-256' | 'reject';

/** One rule in the words that pg_hba.conf (manual, 21.1) and PgBouncer's HBA file have in common. */
export interface HbaLine {
  readonly type: HbaType;
  readonly databases: 'all' | readonly string[];
  readonly users: 'all' | readonly string[];
  /** Null for `local`. */
  readonly network: Cidr | null;
  readonly method: HbaMethod;
}

/** One line of text. Throws TypeError for a name that could be read as something else. */
export function renderHbaLine({ type, databases, users, network, method }: HbaLine): string {
  const address = network ? ` ${network}` : '';
  return `${type} ${renderNames(databases)} ${renderNames(users)}${address} ${method}\n`;
}

function renderNames(names: 'all' | readonly string[]): string {
  if (names === 'all') return names;
  if (names.length === 0) throw new TypeError('a line without names would match nothing, or break the file');
  return names.map(quoteName).join(',');
}

/**
 * Quoted, a name is never taken for a keyword; there is no way to write a double quote inside. A leading slash makes a
 * regular expression also of a quoted name (PostgreSQL 16).
 */
function quoteName(name: string): string {
  if (!/^[^"\0\r\n/@+][^"\0\r\n]{0,62}$/.test(name)) {
    throw new TypeError('the name cannot stand in an HBA file');
  }
  return `"${name}"`;
}
