// The committed openapi.yaml must be what the code says.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const FILE = 'openapi.yaml';
const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'openapi'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});

if (status !== 0) fail(`rowhouse openapi failed:\n${stderr}`);
const committed = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
if (committed === stdout) process.exit(0);

const expected = stdout.split('\n');
const actual = committed.split('\n');
const at = expected.findIndex((line, index) => line !== actual[index]);
const line = at === -1 ? expected.length : at;
fail(
  `${FILE} differs from the code, first in line ${line + 1}:\n` +
    `  committed: ${actual[line] ?? '(nothing)'}\n  code:      ${expected[line] ?? '(nothing)'}\n` +
    `Write it anew: node dist/cli.js openapi > ${FILE}`,
);

function fail(message) {
  console.error(message);
  process.exit(1);
}
