import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { busy, done } from './progress.mjs';
import { run } from './run.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The npm packages of package-lock.json. */
export const nodeModules = {
  findMissing() {
    return isInstalled() ? [] : ['npm packages (npm ci)'];
  },

  async install() {
    if (isInstalled()) return;
    busy('Installing npm packages');
    // Under `npm start`, npm says where it itself is; building needs the development packages also in production.
    const npm = process.env.npm_execpath;
    const [command, ...before] = npm ? [process.execPath, npm] : ['npm'];
    const args = [...before, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm ci failed: mend what it says, then start again', command, args, { cwd: root });
    done('npm packages are installed');
  },
};

/** npm writes the hidden lock file last, so what stands in it is there. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const found = readPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || optional || devOptional || found[path]?.version === version,
  );
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return {};
  }
}
