import { startApp } from '../bootstrap.js';
import { loadConfig } from '../config/load-config.js';
import { loadStackConfig } from '../config/stack-config.js';
import { StackError } from '../stack/stack-error.js';
import { warn } from './progress.js';
import { showWelcome } from './show-welcome.js';
import { onStopSignal } from './stop-signal.js';

/** Runs the API against the servers that the environment names, and none of its own. */
export async function serve(): Promise<void> {
  if (loadStackConfig() !== null)
    throw new StackError('DB_HOST is not set: name the PostgreSQL server, or use `rowhouse start`');
  const config = loadConfig();
  const started = await startApp(config);
  await showWelcome(started, config, null);
  for (const warning of started.warnings) warn(warning);
  onStopSignal(async () => {
    await started.app.close();
    process.exit(0);
  });
}
