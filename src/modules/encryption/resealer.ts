import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SecretBox } from '../../kernel/secret-box.js';
import { SEALED_COLUMNS, type SealedColumn } from './sealed-columns.js';
import { type KeyCount, type SealedRow, SealedSecretsRepository } from './sealed-secrets.repository.js';

const BATCH = 200;

export interface ResealOutcome {
  readonly resealed: number;
  /** Sealed with a key that is not known here, or not what was sealed for that row. They stay as they are. */
  readonly unopened: number;
}

/** Which keys have sealed what is stored, held against the keys that are known here. */
export interface KeyReport {
  /** Null without an ENCRYPTION_KEY. */
  readonly presentId: string | null;
  /** The known keys that are not the present one; with 0 secrets one is needed no more. */
  readonly former: readonly KeyCount[];
  readonly unknown: readonly KeyCount[];
  readonly present: number;
}

/** Brings stored secrets from former keys to the present one. Any number of processes may try: one at a time works. */
@Injectable()
export class Resealer {
  private readonly box: SecretBox | null;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly secrets: SealedSecretsRepository,
    private readonly audit: AuditLog,
  ) {
    this.box = config.encryptionKey && SecretBox.of(config.encryptionKey, config.formerEncryptionKeys);
  }

  async report(): Promise<KeyReport> {
    const counts = await this.secrets.count();
    const presentId = this.box?.keyId ?? null;
    const known = this.box?.keyIds ?? [];
    const of = (id: string) => counts.find(({ keyId }) => keyId === id)?.secrets ?? 0;
    return {
      presentId,
      present: presentId === null ? 0 : of(presentId),
      former: known.filter((id) => id !== presentId).map((keyId) => ({ keyId, secrets: of(keyId) })),
      unknown: counts.filter(({ keyId }) => !known.includes(keyId)),
    };
  }

  /** All that there is, in short transactions; null when another process is at it. What cannot be opened stays. */
  async run(): Promise<ResealOutcome | null> {
    let total: ResealOutcome = { resealed: 0, unopened: 0 };
    for (const column of SEALED_COLUMNS) {
      const outcome = await this.resealColumn(column);
      if (!outcome) return null;
      total = add(total, outcome);
    }
    return total;
  }

  private async resealColumn(column: SealedColumn): Promise<ResealOutcome | null> {
    let total: ResealOutcome = { resealed: 0, unopened: 0 };
    let after: readonly string[] | null = null;
    do {
      const batch: Batch | null = await this.resealBatch(column, after);
      if (!batch) return null;
      total = add(total, batch);
      after = batch.last;
    } while (after);
    return total;
  }

  private resealBatch(column: SealedColumn, after: readonly string[] | null): Promise<Batch | null> {
    const { box } = this;
    if (!box) return Promise.resolve({ resealed: 0, unopened: 0, last: null });
    return this.secrets.tryAlone(async (tx) => {
      const rows = await this.secrets.find(tx, column, { keyId: box.keyId, after, limit: BATCH });
      let resealed = 0;
      for (const row of rows) {
        const sealed = tryToReseal(box, column, row);
        if (sealed === null) continue;
        await this.secrets.replace(tx, column, { key: row.key, before: row.sealed, after: sealed });
        resealed += 1;
      }
      if (resealed > 0) {
        await this.audit.record(tx, systemContext('encryption'), {
          action: 'encryption.reseal',
          resourceType: 'control-database',
          resourceId: null,
          after: { table: column.table, column: column.column, resealed, sealed_with: box.keyId },
          outcome: 'succeeded',
        });
      }
      const last = rows.length === BATCH ? (rows.at(-1)?.key ?? null) : null;
      return { resealed, unopened: rows.length - resealed, last };
    });
  }
}

interface Batch extends ResealOutcome {
  readonly last: readonly string[] | null;
}

function tryToReseal(box: SecretBox, column: SealedColumn, { names, sealed }: SealedRow): string | null {
  try {
    return box.reseal(sealed, column.purpose(names));
  } catch {
    return null;
  }
}

function add(a: ResealOutcome, b: ResealOutcome): ResealOutcome {
  return { resealed: a.resealed + b.resealed, unopened: a.unopened + b.unopened };
}
