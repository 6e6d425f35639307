#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { MigrationVerb, RunOptions } from './cli/migrations.js';
import type { AddOptions } from './cli/whitelist.js';
import { SCOPES } from './http/scopes.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Each command loads its own code, so that `rowhouse migrate` does not wait for the whole application. */
const program = new Command('rowhouse')
  .description('Postgres as a service.')
  .version(version)
  // Otherwise the `--version` of a subcommand would be this one.
  .enablePositionalOptions();

program
  .command('start')
  .description('start PostgreSQL, PgBouncer, Redis and the API; with DB_HOST, the API only')
  .action(async () => (await import('./cli/start.js')).start());

program
  .command('serve')
  .description('start the API only, against the servers that DB_HOST and its kin name')
  .action(async () => (await import('./cli/serve.js')).serve());

const migrate = program
  .command('migrate')
  .description('apply the pending migrations of the control database')
  .action(async () => (await import('./cli/migrate.js')).applyMigrations());

migrate
  .command('status')
  .description('list the migrations and their states')
  .action(async () => (await import('./cli/migrate.js')).showMigrations());

program
  .command('openapi')
  .description('write the OpenAPI description')
  .option('--out <file>', 'to this file, not to the standard output')
  .action(async (options: { out?: string }) => (await import('./cli/openapi.js')).writeOpenApi(options.out));

program
  .command('keys')
  .description('API keys, straight in the control database')
  .command('create')
  .description('create a key and print it, for who lost the admin key')
  .requiredOption('--name <name>', 'what people call it')
  .addOption(new Option('--scope <scope...>', '`*` is everything').choices(SCOPES).makeOptionMandatory())
  .action(async (options: { name: string; scope: string[] }) =>
    (await import('./cli/create-key.js')).createKey(options.name, options.scope),
  );

const encryptionKey = program
  .command('encryption-key')
  .description('the key that stored passwords are sealed with, straight in the control database');

encryptionKey
  .command('status')
  .description('tell which keys the stored secrets need, by their ids, and which former key can go')
  .action(async () => (await import('./cli/encryption-key.js')).showKeys());

encryptionKey
  .command('reseal')
  .description('seal with ENCRYPTION_KEY what keys of ENCRYPTION_KEY_PREVIOUS have sealed, now')
  .action(async () => (await import('./cli/encryption-key.js')).reseal());

encryptionKey
  .command('rotate')
  .description(
    'give the local stack, which must not run, a new key; the former one stays until nothing needs it',
  )
  .action(async () => (await import('./cli/encryption-key.js')).rotate());

const templates = program
  .command('templates')
  .description('templates of a running Rowhouse (ROWHOUSE_URL, ROWHOUSE_KEY)');

templates
  .command('add')
  .description('make a template of SQL files, or add them as its next version')
  .argument('<name>')
  .argument('<path>', 'a .sql file, or a folder of them')
  .option('--description <text>', 'what it is for')
  .option(
    '--from-dump',
    'the file is a plain pg_dump -s: leave out the name of its schema, owners and rights',
  )
  .action(async (name: string, path: string, options: { description?: string; fromDump?: boolean }) =>
    (await import('./cli/templates.js')).addTemplate(name, path, options),
  );

templates
  .command('list')
  .description('list the templates')
  .action(async () => (await import('./cli/templates.js')).listTemplates());

templates
  .command('drift')
  .description('name the tenants that are not as their version made them')
  .argument('<name>')
  .action(async (name: string) => (await import('./cli/templates.js')).showDrift(name));

const migrations = program
  .command('migrations')
  .description("bring template versions to a running Rowhouse's tenants (ROWHOUSE_URL, ROWHOUSE_KEY)");

migrations
  .command('run')
  .description('apply a template version to all its tenants, and show how far it is')
  .requiredOption('--template <id or name>', 'the template')
  .option('--version <number>', 'the version; the newest when left out', integer)
  .option('--dry-run', 'try it in the scratch database only')
  .option('--canary <number>', 'how many tenants go first, alone', integer)
  .option('--connections <number>', 'how many sessions work at once', integer)
  .action(async (options: RunOptions) => (await import('./cli/migrations.js')).runMigration(options));

migrations
  .command('status')
  .description('show where a migration stands, and why tenants failed')
  .argument('<id>')
  .action(async (id: string) => (await import('./cli/migrations.js')).showMigration(id));

const MIGRATION_VERBS: Readonly<Record<MigrationVerb, string>> = {
  pause: 'let the tenants at work finish, and rest',
  resume: 'go on with the pending tenants',
  'retry-failed': 'try the failed tenants again, and go on',
  cancel: 'let the tenants at work finish, and end it',
};

for (const [verb, description] of Object.entries(MIGRATION_VERBS) as [MigrationVerb, string][]) {
  migrations
    .command(verb)
    .description(description)
    .argument('<id>')
    .action(async (id: string) => (await import('./cli/migrations.js')).commandMigration(verb, id));
}

function integer(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const whitelist = program
  .command('whitelist')
  .description(
    'from which networks a database or tenant of a running Rowhouse may be reached (ROWHOUSE_URL, ROWHOUSE_KEY)',
  );

whitelist
  .command('list')
  .description('list the rules')
  .argument('<id>', 'of a database or tenant')
  .action(async (id: string) => (await import('./cli/whitelist.js')).listWhitelist(id));

whitelist
  .command('add')
  .description('let networks in; with the first rule, only those')
  .argument('<id>', 'of a database or tenant')
  .argument('<network...>', 'addresses or CIDRs')
  .option('--description <text>', 'what they are for')
  .option('--expires <time>', 'when they stop getting in, such as 2035-01-31T12:00:00Z')
  .option('--force', 'also when this shuts out the address that asks')
  .action(async (id: string, networks: string[], options: AddOptions) =>
    (await import('./cli/whitelist.js')).addToWhitelist(id, networks, options),
  );

whitelist
  .command('remove')
  .description('let networks in no more, and end their sessions')
  .argument('<id>', 'of a database or tenant')
  .argument('<rule...>', 'ids of rules, or their networks')
  .option('--force', 'also when this shuts out the address that asks')
  .action(async (id: string, rules: string[], options: { force?: true }) =>
    (await import('./cli/whitelist.js')).removeFromWhitelist(id, rules, options),
  );

const bans = program
  .command('bans')
  .description('addresses that are shut out for too many wrong keys, straight in the control database');

bans
  .command('list')
  .description('list those in force')
  .action(async () => (await import('./cli/bans.js')).listBans());

bans
  .command('lift')
  .description('let an address in again, for who is banned from the API')
  .argument('<address>')
  .action(async (address: string) => (await import('./cli/bans.js')).liftBan(address));

try {
  await program.parseAsync();
} catch (error) {
  const { reportFailure } = await import('./cli/failure.js');
  reportFailure(error);
}
