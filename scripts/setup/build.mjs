import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { busy, done } from './progress.mjs';
import { run } from './run.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(root, 'dist');
const stamp = join(dist, '.source-hash');

/** Compiles src to dist, unless dist was made from these very sources. */
export async function buildWhenStale() {
  const hash = hashSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  busy('Building');
  rmSync(dist, { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run('The build failed', process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root });
  chmodSync(join(dist, 'cli.js'), 0o755);
  writeFileSync(stamp, hash);
  done('Built');
}

/** Of contents, not of times: an upgrade may bring files that are older than the last build. */
function hashSources() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join('src', file));
  for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...sources.sort()]) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}
