import type { Config } from '../config/config.js';
import { loadConfig } from '../config/load-config.js';
import { loadConfigOver, loadStackConfig } from '../config/stack-config.js';
import { findRunningStack } from '../stack/running-stack.js';
import { StackError } from '../stack/stack-error.js';

/** The configuration for a command beside a running product: DB_HOST's servers, or the local stack that runs now. */
export function loadRunningConfig(): Config {
  const stack = loadStackConfig();
  if (stack === null) return loadConfig();
  const env = findRunningStack(stack.dataDir);
  if (env === null) {
    throw new StackError(
      `Rowhouse does not run on ${stack.dataDir}: start it with \`npm start\`, set ROWHOUSE_DATA_DIR to the directory on which it runs, or set DB_HOST`,
    );
  }
  return loadConfigOver(env);
}
