import type { StartedApp } from '../bootstrap.js';
import type { Config } from '../config/config.js';
import { dataDirectory } from '../config/stack-config.js';
import { writeAdminKey } from './admin-key-file.js';
import { print } from './progress.js';
import { type AdminKeyPlace, renderWelcome } from './welcome.js';

/** Prints the welcome. The admin key itself goes to a terminal only, since other output is kept by whoever collects logs. */
export async function showWelcome(
  { url, adminKey }: StartedApp,
  config: Config,
  dataDir: string | null,
): Promise<void> {
  const place = adminKey === null ? null : await placeOf(adminKey, dataDir ?? dataDirectory());
  print(renderWelcome({ url, adminKey: place, config, dataDir }));
}

async function placeOf(key: string, directory: string): Promise<AdminKeyPlace> {
  if (process.stdout.isTTY) return { key };
  return writeAdminKey(key, directory).then(
    (file) => ({ file }),
    ({ code }: NodeJS.ErrnoException) => ({ directory, problem: code ?? 'failed' }),
  );
}
