#!/usr/bin/env node
// Makes a bare clone runnable, then runs it: `npm start`, or `npm start -- --no-install` to be told what is missing.
import { buildWhenStale } from './setup/build.mjs';
import { nodeModules } from './setup/node-modules.mjs';
import { assertNodeVersion } from './setup/node-version.mjs';
import { fail } from './setup/progress.mjs';
import { systemPackages } from './setup/system-packages.mjs';

const options = process.argv.slice(2);
const mayInstall = !options.includes('--no-install');

try {
  assertNodeVersion();
  const requirements = [systemPackages, nodeModules];
  if (!mayInstall) assertNothingMissing(requirements);
  for (const requirement of requirements) await requirement.install();
  await buildWhenStale();
} catch (error) {
  fail(error);
}

process.argv = [
  process.argv[0],
  'rowhouse',
  'start',
  ...options.filter((option) => option !== '--no-install'),
];
await import('../dist/cli.js');

function assertNothingMissing(requirements) {
  const missing = requirements.flatMap((requirement) => requirement.findMissing());
  if (missing.length === 0) return;
  throw new Error(`Missing: ${missing.join('; ')}. \`npm start\` without --no-install installs them.`);
}
