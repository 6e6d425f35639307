import { setTimeout as pause } from 'node:timers/promises';
import { ApiFailure, apiFetch, apiList, apiRequest } from './api-client.js';
import { readEvents } from './event-source.js';
import { withFarewell } from './farewell.js';
import { createProgress, type Migration, type Progress } from './migration-progress.js';
import { done, print } from './progress.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const RECONNECT_MS = 1_000;
/** How long a restart of the API may take. */
const PATIENCE_MS = 60_000;
const SHOWN_FAILURES = 10;

export interface RunOptions {
  readonly template: string;
  readonly version?: number;
  readonly dryRun?: boolean;
  readonly canary?: number;
  readonly connections?: number;
}

export type MigrationVerb = 'pause' | 'resume' | 'cancel' | 'retry-failed';

interface FailedTenant {
  readonly slug: string;
  readonly schema_name: string;
  readonly error: {
    readonly message: string;
    readonly file: string | null;
    readonly line: number | null;
  } | null;
}

/** Begins a migration and follows it until it rests. */
export async function runMigration(options: RunOptions): Promise<void> {
  const { version, dryRun, canary, connections } = options;
  const templateId = await findTemplate(options.template);
  const body = { templateId, version, dryRun, strategy: { canary, connections } };
  const answer = await apiFetch('POST', '/api/migrations', { body, headers: { prefer: 'respond-async' } });
  const { data } = (await answer.json()) as { data: { id: string; subject_id?: string } };
  const id = data.subject_id ?? data.id;
  print(`Migration ${id}`);
  await conclude(await follow(id));
}

/** Shows where it stands, and why tenants failed. */
export async function showMigration(id: string): Promise<void> {
  const migration = await apiRequest<Migration>('GET', path(id));
  const { tenants, pending, succeeded, failed, skipped } = migration.totals;
  print(`Migration ${migration.id} to version ${migration.version}: ${migration.state}`);
  print(
    `${tenants} tenants: ${succeeded} succeeded, ${failed} failed, ${skipped} skipped, ${pending} pending`,
  );
  if (migration.error) print(migration.error.message);
  await showFailures(migration);
}

/** Stops it or makes it go on; what goes on is followed. */
export async function commandMigration(verb: MigrationVerb, id: string): Promise<void> {
  const goesOn = verb === 'resume' || verb === 'retry-failed';
  const headers = goesOn ? { prefer: 'respond-async' } : undefined;
  await apiFetch('POST', `${path(id)}/${verb}`, { headers });
  if (goesOn) return conclude(await follow(id));
  const { state } = await apiRequest<Migration>('GET', path(id));
  done(`The migration is ${state}`);
}

async function findTemplate(nameOrId: string): Promise<string> {
  if (UUID.test(nameOrId)) return nameOrId;
  const templates = await apiList<{ id: string; name: string }>('/api/templates?limit=200');
  const found = templates.find(({ name }) => name === nameOrId);
  if (found) return found.id;
  throw new ApiFailure(`There is no template "${nameOrId}"`, [
    `There are: ${templates.map(({ name }) => name).join(', ') || 'none'}`,
  ]);
}

/** Ended from outside, it says that the migration is not. */
async function follow(id: string): Promise<Migration> {
  const progress = createProgress();
  const farewell = () => {
    progress.stop();
    return `
The migration goes on in Rowhouse.
  Follow it:            rowhouse migrations status ${id}
  Pause it, cancel it:  rowhouse migrations pause|cancel ${id}`;
  };
  return withFarewell(farewell, () => followOn(id, progress));
}

/** Survives that the API is restarted meanwhile: then another process goes on with the migration. */
async function followOn(id: string, progress: Progress): Promise<Migration> {
  let giveUpAt = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      const last = await followOnce(id, progress, () => {
        giveUpAt = performance.now() + PATIENCE_MS;
      });
      if (last) return last;
      if (performance.now() > giveUpAt) throw new ApiFailure(`Rowhouse does not answer: ${path(id)}`);
      await pause(RECONNECT_MS);
    }
  } finally {
    progress.stop();
  }
}

/** Null when the stream broke off. */
async function followOnce(id: string, progress: Progress, onNews: () => void): Promise<Migration | null> {
  try {
    for await (const { type, data } of readEvents(await apiFetch('GET', `${path(id)}/events`))) {
      const migration = JSON.parse(data) as Migration;
      onNews();
      progress.show(migration);
      if (type === 'end') return migration;
    }
  } catch (error) {
    if (error instanceof ApiFailure && error.answer !== null && error.answer.status < 500) throw error;
  }
  return null;
}

/** Says how it ended; the process ends with 1 unless every tenant has the version. */
async function conclude(migration: Migration): Promise<void> {
  for (const { from_version, tenants, state, duration_ms, error } of migration.report ?? []) {
    const result = error ? `${state}: ${error.message}` : `${state} in ${duration_ms} ms`;
    print(`From version ${from_version} (${tenants} tenants): ${result}`);
  }
  if (migration.state === 'succeeded') return done(successOf(migration));
  process.exitCode = 1;
  process.stderr.write(
    `✖ The migration is ${migration.state}${migration.error ? `: ${migration.error.message}` : ''}\n`,
  );
  await showFailures(migration);
  showCommands(migration);
}

/** What may be done with one that did not get through. */
function showCommands({ id, dry_run, state, totals }: Migration): void {
  if (dry_run || state === 'cancelled') return;
  if (totals.failed > 0) print(`Try them again:      rowhouse migrations retry-failed ${id}`);
  if (state === 'paused') {
    const label = totals.failed > 0 ? 'Go on without them: ' : 'Go on: ';
    print(`${label} rowhouse migrations resume ${id}`);
  }
}

function successOf({ dry_run, version, totals, started_at, finished_at }: Migration): string {
  if (dry_run) return `Version ${version} would be applied`;
  if (!started_at || !finished_at) return `Every tenant has version ${version} or a newer one already`;
  const seconds = (Date.parse(finished_at) - Date.parse(started_at)) / 1000;
  return `${totals.succeeded} tenants have version ${version} (${seconds.toFixed(1)} s)`;
}

async function showFailures({ id, totals }: Migration): Promise<void> {
  if (totals.failed === 0) return;
  const tenants = await apiRequest<FailedTenant[]>(
    'GET',
    `${path(id)}/tenants?state=failed&limit=${SHOWN_FAILURES}`,
  );
  for (const { slug, schema_name, error } of tenants) {
    const place = error?.file ? ` ("${error.file}" line ${error.line})` : '';
    print(`  ${slug} (${schema_name}): ${error?.message ?? 'unknown'}${place}`);
  }
  if (totals.failed > tenants.length) print(`  … and ${totals.failed - tenants.length} more`);
}

function path(id: string): string {
  return `/api/migrations/${encodeURIComponent(id)}`;
}
