import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const POSTGRES_PARENTS = ['/usr/lib/postgresql', '/usr', '/opt/homebrew/opt', '/usr/local/opt'];
const POSTGRES_VERSIONS = /^(postgresql(@1[5-9])?|pgsql-1[5-9]|1[5-9])$/;
const PLACES = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...[
    '/usr/bin',
    '/usr/sbin',
    '/usr/local/bin',
    '/usr/local/sbin',
    '/opt/homebrew/bin',
    '/opt/homebrew/sbin',
  ],
];

/** Whether there is a PostgreSQL of a version that may do; which one it is, the stack looks at closely. */
export function hasPostgres() {
  const versioned = POSTGRES_PARENTS.filter((parent) => existsSync(parent)).flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => POSTGRES_VERSIONS.test(name))
      .map((name) => join(parent, name, 'bin')),
  );
  return [...versioned, ...PLACES].some((place) => existsSync(join(place, 'initdb')));
}

export function hasProgram(...names) {
  return names.some((name) => PLACES.some((place) => existsSync(join(place, name))));
}
