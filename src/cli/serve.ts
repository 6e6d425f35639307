import { startApp } from '../bootstrap.js';
import { loadConfig } from '../config/load-config.js';
import { loadStackConfig } from '../config/stack-config.js';
import { StackError } from '../stack/stack-error.js';
import { print, warn } from './progress.js';
import { onStopSignal } from './stop-signal.js';
import { renderWelcome } from './welcome.js';

/** Runs the API against the servers that the environment names, and none of its own. */
export async function serve(): Promise<void> {
  const config = loadConfig();
  if (loadStackConfig() !== null)
    throw new StackError('DB_HOST is not set: name the PostgreSQL server, or use `rowhouse start`');
  const { app, url, adminKey, warnings } = await startApp(config);
  print(renderWelcome({ url, adminKey, config, dataDir: null }));
  for (const warning of warnings) warn(warning);
  onStopSignal(async () => {
    await app.close();
    process.exit(0);
  });
}
