import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hasPostgres, hasProgram } from './programs.mjs';
import { busy, done } from './progress.mjs';
import { run } from './run.mjs';

const aptScript = fileURLToPath(new URL('install-apt.sh', import.meta.url));

const CERTBOT = {
  name: 'certbot',
  versions: '2 or later',
  isThere: () => hasProgram('certbot'),
  apt: 'certbot',
  brew: 'certbot',
};

const SERVERS = [
  {
    name: 'PostgreSQL',
    versions: '15 to 19',
    isThere: () => Boolean(process.env.POSTGRES_BIN_DIR) || hasPostgres(),
    apt: 'postgresql',
    brew: 'postgresql@17',
  },
  {
    name: 'PgBouncer',
    versions: '1.18 or later',
    isThere: () => hasProgram('pgbouncer'),
    apt: 'pgbouncer',
    brew: 'pgbouncer',
  },
  {
    name: 'Redis',
    versions: '6 or later',
    isThere: () => Boolean(process.env.REDIS_URL) || hasProgram('redis-server', 'valkey-server'),
    apt: 'redis-server',
    brew: 'redis',
  },
];

/** Let's Encrypt's ACME server for tests. */
const PEBBLE = {
  name: 'pebble',
  versions: '2.4 or later',
  isThere: () => hasProgram('pebble') && hasProgram('pebble-challtestsrv'),
  apt: 'pebble',
  brew: 'pebble',
};

/** What the local stack runs; nothing when DB_HOST names servers elsewhere. */
export const systemPackages = requirement(() => {
  if (process.env.DB_HOST) return [];
  return process.env.TLS_MODE === 'acme' ? [...SERVERS, CERTBOT] : SERVERS;
});

/** What the tests run. */
export const testPackages = requirement(() => [...SERVERS, CERTBOT, PEBBLE]);

function requirement(programs) {
  const findMissing = () => programs().filter((program) => !program.isThere());
  return {
    findMissing: () => findMissing().map(({ name, versions, apt }) => `${name} ${versions} (package ${apt})`),

    async install() {
      const missing = findMissing();
      if (missing.length === 0) return;
      busy(`Installing ${missing.map(({ name }) => name).join(', ')}`);
      const installer = chooseInstaller(missing);
      await run(installer.problem, installer.command, installer.args, { stdin: 'inherit' });
      const still = findMissing().map(({ name }) => name);
      if (still.length > 0)
        throw new Error(`${still.join(', ')}: installed, but not found. ${byHand(missing)}`);
      done(`Installed ${missing.map(({ name }) => name).join(', ')}`);
    },
  };
}

function chooseInstaller(missing) {
  const packages = missing.map(({ apt }) => apt);
  if (process.platform === 'darwin' && hasProgram('brew')) {
    const formulas = missing.map(({ brew }) => brew);
    return {
      command: 'brew',
      args: ['install', ...formulas],
      problem: `\`brew install ${formulas.join(' ')}\` failed`,
    };
  }
  if (!hasProgram('apt-get')) throw new Error(byHand(missing));
  const problem = `\`apt-get install ${packages.join(' ')}\` failed: mend what it says, then start again`;
  if (process.getuid() === 0) return { command: 'sh', args: [aptScript, ...packages], problem };
  return { command: 'sudo', args: [...sudoOptions(missing), 'sh', aptScript, ...packages], problem };
}

/** With a terminal sudo may ask for the password; without one it must not wait for an answer that cannot come. */
function sudoOptions(missing) {
  if (!hasProgram('sudo')) throw new Error(byHand(missing));
  if (process.stdin.isTTY) return [];
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return ['-n'];
  throw new Error(byHand(missing));
}

function byHand(missing) {
  const names = missing.map(
    ({ name, versions, apt }) => `${name} ${versions} (on Debian and Ubuntu: ${apt})`,
  );
  return `Install ${names.join(', ')}, then start again`;
}
