import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../infra/files/atomic-file.js';

/** Leaves the admin key where only its owner reads it, and returns the path: what is printed may go into a log that stays. */
export async function writeAdminKey(adminKey: string, dataDir: string): Promise<string> {
  const file = join(dataDir, 'admin-key');
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  // A file that is there would keep its mode.
  rmSync(file, { force: true });
  await writeAtomically(file, `${adminKey}\n`);
  return file;
}
