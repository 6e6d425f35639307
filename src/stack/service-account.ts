import { existsSync, readFileSync } from 'node:fs';
import { StackError } from './stack-error.js';

const ACCOUNT = 'postgres';
const SETPRIV_PLACES = ['/usr/bin/setpriv', '/bin/setpriv'];

/** The unprivileged user that the servers run as when Rowhouse itself runs as root; PostgreSQL refuses root. */
export interface ServiceAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export type Command = readonly [string, ...string[]];

/** Null when Rowhouse does not run as root: then the servers run as the same user. */
export function findServiceAccount(): ServiceAccount | null {
  if (process.getuid?.() !== 0) return null;
  const account = parseAccount(readFileSync('/etc/passwd', 'utf8'));
  if (account === null) {
    throw new StackError(`There is no user "${ACCOUNT}" to run the servers as: useradd --system ${ACCOUNT}`);
  }
  return account;
}

export function parseAccount(passwd: string): ServiceAccount | null {
  const line = passwd.split('\n').find((row) => row.startsWith(`${ACCOUNT}:`));
  const [name, , uid, gid] = line?.split(':') ?? [];
  return name && uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : null;
}

/** The command as the service account runs it, and, on Linux, ended by `deathSignal` when this process dies. */
export function asService(
  account: ServiceAccount | null,
  command: Command,
  deathSignal: 'INT' | 'TERM' = 'TERM',
): Command {
  const setpriv = findSetpriv();
  if (setpriv === null) {
    if (account === null) return command;
    throw new StackError('setpriv is missing: install util-linux, or start Rowhouse as an ordinary user');
  }
  const identity = account
    ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--no-new-privs']
    : [];
  return [setpriv, ...identity, `--pdeathsig=${deathSignal}`, '--', ...command];
}

function findSetpriv(): string | null {
  if (process.platform !== 'linux') return null;
  return SETPRIV_PLACES.find((path) => existsSync(path)) ?? null;
}
