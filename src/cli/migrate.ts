import { migrate, migrationStatus } from '../infra/control-db/migrator.js';
import { loadRunningConfig } from './local-config.js';
import { done, print } from './progress.js';

export async function applyMigrations(): Promise<void> {
  const applied = await migrate(loadRunningConfig());
  for (const file of applied) done(file);
  if (applied.length === 0) done('The control database is up to date');
}

export async function showMigrations(): Promise<void> {
  for (const { file, state, appliedAt } of await migrationStatus(loadRunningConfig())) {
    print(`${state.padEnd(8)}  ${appliedAt?.toISOString() ?? ''.padEnd(24)}  ${file}`);
  }
}
