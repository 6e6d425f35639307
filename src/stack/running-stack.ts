import { existsSync } from 'node:fs';
import { LockFile } from '../infra/process/lock-file.js';
import { DataDirectory } from './data-directory.js';
import { loadSecrets } from './secrets.js';
import { stackEnv } from './stack-env.js';
import { findState } from './stack-state.js';

/** The variables by which another process reaches the stack that runs on this data directory; null when none does. */
export function findRunningStack(dataDir: string): Record<string, string> | null {
  const directory = new DataDirectory(dataDir);
  const state = findState(directory.state);
  const isRunning = existsSync(directory.secrets) && LockFile.findHolder(directory.lock) !== null;
  if (!isRunning || state === null) return null;
  const { ports, publicHost, withRedis } = state;
  return stackEnv({ directory, ports, publicHost, withRedis, secrets: loadSecrets(directory.secrets, true) });
}
