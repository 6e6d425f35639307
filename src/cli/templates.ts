import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RowhouseError } from '../kernel/errors.js';
import { ApiFailure, apiList, apiRequest } from './api-client.js';
import { readDump } from './dump-file.js';
import { done, print } from './progress.js';

interface Template {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly latest_version: number;
  readonly tenants: number;
}

interface SqlFile {
  readonly name: string;
  readonly sql: string;
}

interface Drift {
  readonly summary: {
    readonly tenants: number;
    readonly drifted: number;
    readonly migrating: number;
    readonly unchecked: number;
  };
  readonly tenants: readonly {
    readonly slug: string;
    readonly schema: string;
    readonly version: number;
    readonly difference_count: number;
    readonly differences: readonly { readonly object: string; readonly kind: string }[];
  }[];
  readonly unchecked_hosts: readonly { readonly database_name: string; readonly reason: string }[];
}

export interface AddOptions {
  readonly description?: string;
  /** The file is a plain `pg_dump -s`. */
  readonly fromDump?: boolean;
}

/** Makes the template with the files as version 1, or adds them as its next version; the same files again change nothing. */
export async function addTemplate(
  name: string,
  path: string,
  { description, fromDump = false }: AddOptions = {},
): Promise<void> {
  const files = fromDump ? await readDumpFile(path) : await readSqlFiles(path);
  const known = await findTemplate(name);
  if (!known) return createTemplate({ name, files, description: description ?? (await describedIn(path)) });
  if (await isNewest(known, files))
    return done(`${name} has these files already, as version ${known.latest_version}`);
  const { number } = await apiRequest<{ number: number }>('POST', `/api/templates/${known.id}/versions`, {
    files,
    ...(description !== undefined && { description }),
  });
  done(`${name} has version ${number} now, of ${countOf(files)}; its tenants get it by a migration`);
}

export async function listTemplates(): Promise<void> {
  const templates = await apiList<Template>('/api/templates?limit=200');
  if (templates.length === 0) print('There are no templates yet');
  for (const { id, name, status, latest_version, tenants } of templates) {
    print(`${id}  ${name.padEnd(24)}  ${status.padEnd(8)}  version ${latest_version}, ${tenants} tenants`);
  }
}

/** Says which tenants are not as their version made them, and ends with 1 when there are any. */
export async function showDrift(name: string): Promise<void> {
  const template = await findTemplate(name);
  if (!template) throw new ApiFailure(`There is no template "${name}"`);
  const { summary, tenants, unchecked_hosts } = await apiRequest<Drift>(
    'GET',
    `/api/templates/${template.id}/drift`,
  );
  for (const { slug, schema, version, difference_count, differences } of tenants) {
    print(`${slug} (${schema}, version ${version}): ${difference_count} differences`);
    for (const { object, kind } of differences) print(`    ${kind.padEnd(10)}  ${object}`);
  }
  for (const { database_name, reason } of unchecked_hosts)
    print(`${database_name} was not looked at: ${reason}`);
  const { tenants: all, drifted, migrating, unchecked } = summary;
  const onTheirWay = migrating > 0 ? `, ${migrating} being migrated` : '';
  print(`${all} tenants: ${drifted} differ${onTheirWay}, ${unchecked} not looked at`);
  if (summary.drifted + summary.unchecked > 0) process.exitCode = 1;
}

async function createTemplate(body: {
  name: string;
  files: readonly SqlFile[];
  description: string | null;
}): Promise<void> {
  const { name, files, description } = body;
  const made = await apiRequest<Template>('POST', '/api/templates', {
    name,
    files,
    ...(description !== null && { description }),
  });
  done(`Template ${name} (${made.id}) has version 1, of ${countOf(files)}`);
}

async function findTemplate(name: string): Promise<Template | null> {
  const [template] = await apiList<Template>(`/api/templates?name=${encodeURIComponent(name)}`);
  return template ?? null;
}

async function isNewest({ id, latest_version }: Template, files: readonly SqlFile[]): Promise<boolean> {
  if (latest_version === 0) return false;
  const newest = await apiRequest<{ files: SqlFile[] }>(
    'GET',
    `/api/templates/${id}/versions/${latest_version}`,
  );
  const content = (list: readonly SqlFile[]) => JSON.stringify(list.map(({ name, sql }) => [name, sql]));
  return content(newest.files) === content(files);
}

/** One file, or the files of a folder that end in `.sql`, in the order of their names. */
async function readSqlFiles(path: string): Promise<SqlFile[]> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new RowhouseError('VALIDATION_FAILED', `There is no file or folder ${path}`);
  if (!found.isDirectory()) return [{ name: basename(path), sql: await readFile(path, 'utf8') }];
  const names = (await readdir(path)).filter((name) => name.endsWith('.sql')).sort();
  if (names.length === 0)
    throw new RowhouseError('VALIDATION_FAILED', `The folder ${path} has no .sql files`);
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(join(path, name), 'utf8') })));
}

async function readDumpFile(path: string): Promise<SqlFile[]> {
  const files = await readSqlFiles(path);
  return Promise.all(files.map(async ({ name, sql }) => ({ name, sql: await readDump(sql) })));
}

/** What the folder's `template.json` says, if it has one. */
async function describedIn(path: string): Promise<string | null> {
  const text = await readFile(join(path, 'template.json'), 'utf8').catch(() => null);
  const { description } = text === null ? {} : (JSON.parse(text) as { description?: string });
  return description ?? null;
}

function countOf(files: readonly SqlFile[]): string {
  return files.length === 1 ? '1 file' : `${files.length} files`;
}
