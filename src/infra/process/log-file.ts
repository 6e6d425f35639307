import { closeSync, copyFileSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

const MAX_BYTES = 50 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

/** The file that takes a child's output. Children append (O_APPEND), so it can be emptied under their hands. */
export class LogFile {
  constructor(readonly path: string) {}

  openForAppend(): number {
    return openSync(this.path, 'a', 0o640);
  }

  size(): number {
    return existsSync(this.path) ? statSync(this.path).size : 0;
  }

  /** Keeps the present content as `<path>.1` and starts anew, once the file is large. */
  rotateWhenLarge(): void {
    if (this.size() < MAX_BYTES) return;
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path);
  }

  /** The last `count` lines written after the byte `offset`, without what would steer a terminal. */
  tail(count: number, offset = 0): string[] {
    const size = this.size();
    const from = Math.max(offset, size - TAIL_BYTES);
    if (size <= from) return [];
    const buffer = Buffer.alloc(size - from);
    const file = openSync(this.path, 'r');
    try {
      readSync(file, buffer, 0, buffer.length, from);
    } finally {
      closeSync(file);
    }
    return buffer.toString('utf8').trimEnd().split('\n').slice(-count).map(printable);
  }
}

/** Tenants have a say in what a server logs. */
function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, ' ');
}
