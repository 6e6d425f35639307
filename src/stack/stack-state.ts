import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Ports } from './stack-ports.js';

/** What the stack remembers from one start to the next. */
export interface StackState {
  readonly ports: Ports;
  readonly publicHost: string;
  readonly withRedis: boolean;
  readonly postgresMajor: number;
  readonly poolerVersion: string;
}

/** Null at the first start. A file that cannot be read is only a lost memory: the ports are chosen anew. */
export function findState(path: string): StackState | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StackState;
  } catch {
    return null;
  }
}

export function writeState(path: string, state: StackState): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
