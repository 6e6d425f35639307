import { join } from 'node:path';
import { findText, writeAtomically } from '../infra/files/atomic-file.js';
import { type PoolerAlias, renderDatabasesIni } from '../infra/pgbouncer/databases-ini.js';

export interface PoolerFilesChange {
  readonly hasChanged: boolean;
  /** Names that the file had and has no more. */
  readonly removed: readonly string[];
}

/** Writes the entries that PgBouncer reads at RELOAD, where their text differs. */
export async function applyDatabasesIni(
  directory: string,
  aliases: readonly PoolerAlias[],
): Promise<PoolerFilesChange> {
  const path = join(directory, 'databases.ini');
  const former = (await findText(path)) ?? '';
  const text = renderDatabasesIni(aliases);
  if (former !== text) await writeAtomically(path, text);
  const present = new Set(aliases.map((alias) => alias.name));
  return {
    hasChanged: former !== text,
    removed: namesIn(former).filter((name) => !present.has(name)),
  };
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^([a-z0-9_]+) = /gm)].map(([, name]) => name ?? '');
}
