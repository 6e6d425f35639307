#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { SCOPES } from './http/scopes.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Each command loads its own code, so that `rowhouse migrate` does not wait for the whole application. */
const program = new Command('rowhouse').description('Postgres as a service.').version(version);

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

try {
  await program.parseAsync();
} catch (error) {
  const { reportFailure } = await import('./cli/failure.js');
  reportFailure(error);
}
