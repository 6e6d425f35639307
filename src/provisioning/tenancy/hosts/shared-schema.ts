import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIRECTORY = fileURLToPath(new URL('../../../../sql/shared/', import.meta.url));

export interface SharedSchema {
  /** Every file, in the order of the names; may run over an older or the same state. */
  readonly sql: string;
  /** Stands in the schema's comment once it ran. */
  readonly stamp: string;
}

let loaded: Promise<SharedSchema> | null = null;

/** The schema `shared` of hosting databases, from `sql/shared`. */
export function sharedSchema(): Promise<SharedSchema> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<SharedSchema> {
  const files = (await readdir(DIRECTORY)).filter((file) => file.endsWith('.sql')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(DIRECTORY, file), 'utf8')));
  const sql = texts.join('\n');
  return { sql, stamp: `Rowhouse ${createHash('sha256').update(sql).digest('hex').slice(0, 16)}` };
}
