import { join } from 'node:path';
import type { Config, PoolerConfig } from '../../config/config.js';
import { findText, writeAtomically } from '../../infra/files/atomic-file.js';
import { attemptOnFile } from '../../infra/files/file-attempt.js';
import { askProbe } from '../../infra/hba/ask-probe.js';
import type { ProbeAnswer } from '../../infra/hba/probe.js';
import { ownAccess } from '../../infra/pgbouncer/first-hba.js';
import { renderHba } from '../../infra/pgbouncer/hba.js';
import type { PgBouncerAdmin } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { entranceOptions } from '../../infra/postgres/entrance.js';
import type { Gate } from './gate.js';

interface PooledGateOptions {
  readonly config: Config;
  readonly pooler: PoolerConfig;
  readonly directory: string;
  readonly admin: PgBouncerAdmin;
}

/** PgBouncer's port and its HBA file, which is all Rowhouse's. */
export class PooledGate implements Gate {
  readonly port = 'pooled';
  readonly name = 'PgBouncer';
  readonly suspicion: string;
  private readonly path: string;

  constructor(private readonly options: PooledGateOptions) {
    this.path = join(options.directory, 'hba.conf');
    this.suspicion = `it needs auth_type = hba, and auth_hba_file = ${this.path}, which it must be able to read`;
  }

  async read(): Promise<string> {
    return (await attemptOnFile(this.path, 'read', () => findText(this.path))) ?? '';
  }

  render(_former: string, guards: string, probe: ProbeAnswer): string {
    const { config, pooler } = this.options;
    return renderHba({
      adminUser: pooler.adminUser,
      authUser: pooler.authUser,
      controlUser: config.control.user,
      controlDatabase: config.control.database,
      ownAccess: ownAccess(pooler, config.server.tls),
      guards,
      probe,
    });
  }

  write(text: string): Promise<void> {
    return attemptOnFile(this.path, 'written', () => writeAtomically(this.path, text));
  }

  async reload(): Promise<void> {
    await this.options.admin.reload();
  }

  ask(): Promise<ProbeAnswer> {
    const { config, pooler } = this.options;
    return askProbe({
      ...entranceOptions(pooler, config.server.tls, config.caFile),
      user: pooler.authUser,
    });
  }
}
