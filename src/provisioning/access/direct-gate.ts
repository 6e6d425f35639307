import type { ServerConfig } from '../../config/config.js';
import { askProbe } from '../../infra/hba/ask-probe.js';
import { PROBE_DATABASE, type ProbeAnswer } from '../../infra/hba/probe.js';
import { entranceOptions } from '../../infra/postgres/entrance.js';
import { blockLength, hasBlock, withBlock } from '../../infra/postgres/hba-file/hba-block.js';
import type { HbaFile } from '../../infra/postgres/hba-file/hba-file.js';
import { hbaFileOf } from '../../infra/postgres/hba-file/hba-file-of.js';
import type { PostgresAdmin } from '../../infra/postgres/postgres-admin.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Gate } from './gate.js';
import { renderPgHba } from './pg-hba.js';

/**
 * Lines that PostgreSQL does not take. It tells of some that it takes nevertheless, and then their type too; in
 * Rowhouse's own block those would be rules that never match (`hostssl` while `ssl` is off). From 16 on, a line may be
 * in an included file.
 */
const FIND_ERRORS = `
  SELECT r.line_number AS line, r.error, place.file, place.file IS NULL AS "isMain"
  FROM pg_catalog.pg_hba_file_rules r,
    NULLIF(pg_catalog.to_jsonb(r) ->> 'file_name', pg_catalog.current_setting('hba_file')) AS place (file)
  WHERE r.error IS NOT NULL AND (r.type IS NULL OR r.line_number <= $1 AND place.file IS NULL)
  ORDER BY r.line_number LIMIT 1`;

interface LineError extends Record<string, unknown> {
  readonly line: number;
  readonly error: string;
  readonly file: string | null;
  /** Whether it is in pg_hba.conf itself. */
  readonly isMain: boolean;
}

/** PostgreSQL's port and pg_hba.conf. */
export class DirectGate implements Gate {
  readonly port = 'direct';
  readonly name = 'PostgreSQL';
  readonly suspicion: string;
  private readonly file: HbaFile;

  constructor(
    private readonly config: ServerConfig,
    private readonly postgres: PostgresAdmin,
    private readonly caFile: string | null,
  ) {
    this.file = hbaFileOf(config, postgres);
    this.suspicion = config.hbaFile
      ? `PG_HBA_FILE must be the file that SHOW hba_file names, and it is ${config.hbaFile}`
      : 'its log says why';
  }

  read(): Promise<string> {
    return this.file.read();
  }

  /** Where nothing was ever guarded, the operator's file is left alone. */
  render(former: string, guards: string, probe: ProbeAnswer): string {
    if (guards === '' && !hasBlock(former)) return former;
    return withBlock(former, renderPgHba(guards, probe));
  }

  write(text: string): Promise<void> {
    return this.file.write(text);
  }

  /** With one bad line, PostgreSQL would keep all its old rules, and tell its log only (manual, 21.1). */
  async reload(): Promise<void> {
    const ownLines = blockLength(await this.read());
    const found = await this.findError(ownLines);
    if (found) throw badLine(found, ownLines);
    await this.postgres.execute('SELECT pg_catalog.pg_reload_conf()');
  }

  private findError(ownLines: number): Promise<LineError | null> {
    return this.postgres.find<LineError>(FIND_ERRORS, [ownLines]).catch((error: unknown) => {
      if (sqlState(error) !== SQLSTATE.insufficientPrivilege) throw error;
      throw new RowhouseError('OPERATION_FAILED', 'PostgreSQL may not read its own pg_hba.conf.', {
        cause: error,
      });
    });
  }

  ask(): Promise<ProbeAnswer> {
    return askProbe({
      ...entranceOptions(this.config, this.config.tls, this.caFile),
      user: PROBE_DATABASE,
    });
  }
}

/** The file is put back, and with it Rowhouse's lines: only the operator's own keep their numbers. */
function badLine({ line, error, file, isMain }: LineError, ownLines: number): RowhouseError {
  const place =
    isMain && line > ownLines
      ? `line ${line - ownLines} of pg_hba.conf (without Rowhouse's own lines at its top)`
      : `line ${line} of ${file ?? 'pg_hba.conf'}`;
  return new RowhouseError(
    'OPERATION_FAILED',
    `PostgreSQL does not take ${place}: ${error}. The old rules stay in force.`,
  );
}
