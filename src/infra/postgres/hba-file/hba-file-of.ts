import type { ServerConfig } from '../../../config/config.js';
import type { PostgresAdmin } from '../postgres-admin.js';
import type { HbaFile } from './hba-file.js';
import { LocalHbaFile } from './local-hba-file.js';
import { SqlHbaFile } from './sql-hba-file.js';

/** On this machine where the configuration says so, through SQL elsewhere. */
export function hbaFileOf({ hbaFile }: ServerConfig, postgres: PostgresAdmin): HbaFile {
  return hbaFile === null ? new SqlHbaFile(postgres) : new LocalHbaFile(hbaFile);
}
