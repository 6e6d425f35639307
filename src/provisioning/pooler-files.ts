import { join } from 'node:path';
import type { Config, PoolerConfig } from '../config/config.js';
import { findText, writeAtomically } from '../infra/pgbouncer/atomic-file.js';
import { type PoolerAlias, renderDatabasesIni } from '../infra/pgbouncer/databases-ini.js';
import { type RemoteAccess, renderHba } from '../infra/pgbouncer/hba.js';

export interface PoolerFilesChange {
  readonly hasChanged: boolean;
  /** Names that the file had and has no more. */
  readonly removed: readonly string[];
}

/** Writes the two files that PgBouncer reads at RELOAD, where their text differs. */
export async function applyPoolerFiles(
  config: Config,
  directory: string,
  aliases: readonly PoolerAlias[],
): Promise<PoolerFilesChange> {
  const databases = join(directory, 'databases.ini');
  const former = (await findText(databases)) ?? '';
  const text = renderDatabasesIni(aliases);
  const hbaChanged = await replace(join(directory, 'hba.conf'), renderHba(hbaRules(config)));
  if (former !== text) await writeAtomically(databases, text);
  const present = new Set(aliases.map((alias) => alias.name));
  return {
    hasChanged: hbaChanged || former !== text,
    removed: namesIn(former).filter((name) => !present.has(name)),
  };
}

async function replace(path: string, text: string): Promise<boolean> {
  if ((await findText(path)) === text) return false;
  await writeAtomically(path, text);
  return true;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^([a-z0-9_]+) = /gm)].map(([, name]) => name ?? '');
}

function hbaRules(config: Config): Parameters<typeof renderHba>[0] {
  const { control, server } = config;
  if (!server.pooler) throw new Error('there is no pooler to write rules for');
  return {
    adminUser: server.pooler.adminUser,
    authUser: server.pooler.authUser,
    controlUser: control.user,
    controlDatabase: control.database,
    ownAccess: ownAccess(server.pooler, server.tls),
  };
}

function ownAccess({ host, socketDirectory }: PoolerConfig, tls: string): RemoteAccess {
  if (
    socketDirectory !== null ||
    host.startsWith('/') ||
    host === 'localhost' ||
    host === '::1' ||
    host.startsWith('127.')
  )
    return 'none';
  return tls === 'disable' ? 'plain' : 'tls';
}
