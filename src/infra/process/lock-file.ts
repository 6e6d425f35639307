import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { processIdentity } from './process-table.js';

interface Holder {
  pid: number;
  identity: string | null;
}

/** Another live process holds the lock. */
export class LockHeldError extends Error {
  constructor(readonly pid: number) {
    super(`held by the process ${pid}`);
    this.name = 'LockHeldError';
  }
}

/** A lock that dies with the process that holds it: a file with its pid and identity. */
export class LockFile {
  private constructor(private readonly path: string) {}

  /** Throws LockHeldError when another live process, or this one, holds it already. */
  static acquire(path: string): LockFile {
    const own = `${path}.${process.pid}.${process.hrtime.bigint()}`;
    writeFileSync(own, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }));
    try {
      for (;;) {
        if (tryLink(own, path)) return new LockFile(path);
        const holder = LockFile.findHolder(path);
        if (holder !== null) throw new LockHeldError(holder);
        removeStale(path, `${own}.stale`);
      }
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** The pid of the live process that holds the lock, or null. */
  static findHolder(path: string): number | null {
    const holder = readHolder(path);
    const isAlive = holder?.identity != null && processIdentity(holder.pid) === holder.identity;
    return isAlive ? holder.pid : null;
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}

/** link(2) refuses an existing name, so of several processes one wins, and nobody reads a half-written lock. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Between the look and the removal another process may have taken the lock anew: what was moved is looked at again. */
function removeStale(path: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (LockFile.findHolder(aside) !== null) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function readHolder(path: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder;
    return Number.isInteger(holder.pid) ? holder : null;
  } catch {
    return null;
  }
}
