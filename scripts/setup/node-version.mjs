import { readFileSync } from 'node:fs';

/** Throws unless this Node.js is as new as package.json asks. */
export function assertNodeVersion() {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const wanted = engines.node.replace('>=', '');
  if (isAtLeast(process.versions.node, wanted)) return;
  throw new Error(
    `Node.js ${process.versions.node} is too old: install ${wanted} or later (https://nodejs.org)`,
  );
}

function isAtLeast(version, minimum) {
  const [major, minor] = version.split('.').map(Number);
  const [minMajor, minMinor] = minimum.split('.').map(Number);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}
