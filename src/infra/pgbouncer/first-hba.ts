import { join } from 'node:path';
import type { Config, PoolerConfig, TlsMode } from '../../config/config.js';
import { findText, writeAtomically } from '../files/atomic-file.js';
import { attemptOnFile } from '../files/file-attempt.js';
import { isOnThisMachine } from '../postgres/entrance.js';
import { type RemoteAccess, renderFirstHba } from './hba.js';

/** From where PgBouncer has to let Rowhouse itself in. */
export function ownAccess(pooler: PoolerConfig, tls: TlsMode): RemoteAccess {
  if (isOnThisMachine(pooler)) return 'none';
  return tls === 'disable' ? 'plain' : 'tls';
}

/**
 * Writes the HBA file by which PgBouncer lets Rowhouse in, where there is none or an empty one: the rules themselves
 * come later, through PgBouncer's console. PgBouncer goes by it when it has read it.
 */
export async function ensureFirstHba({ server, control }: Config): Promise<void> {
  const { pooler, tls } = server;
  if (!pooler || pooler.configDir === null) return;
  const path = join(pooler.configDir, 'hba.conf');
  const found = await attemptOnFile(path, 'read', () => findText(path));
  if (found?.trim()) return;
  const text = renderFirstHba({
    adminUser: pooler.adminUser,
    controlUser: control.user,
    controlDatabase: control.database,
    ownAccess: ownAccess(pooler, tls),
  });
  await attemptOnFile(path, 'written', () => writeAtomically(path, text));
}
