import type { ClientBase } from 'pg';
import { cleanSession } from '../../../infra/postgres/clean-session.js';
import type { SqlParser } from '../../../infra/sql-parser/sql-parser.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import { isDatabaseError, StatementFailed } from './version-failure.js';
import {
  assertSame,
  explainMissing,
  findEntry,
  insertEntry,
  isRecorded,
  isSchemaMissing,
  type LedgerEntry,
} from './version-ledger.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { remainderOf } from './version-restart.js';

const RECORD = `
  UPDATE shared.schema_versions SET statements_done = $4, state = $5, applied_at = now()
  WHERE schema_name = $1 AND template_id = $2 AND version = $3`;

export interface OnlineTools {
  readonly parser: SqlParser;
  readonly signal?: AbortSignal;
}

/**
 * A version that cannot run in a transaction: each statement commits by itself and is counted in the ledger after it, so
 * the one after the last counted may have run, wholly or in part, when the version is taken up again.
 */
export async function applyOnline(
  client: ClientBase,
  order: VersionOrder,
  tools: OnlineTools,
): Promise<VersionOutcome> {
  const run = new OnlineRun(client, order, tools);
  try {
    return await run.execute();
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    await client.query('ROLLBACK');
    await client.query(cleanSession(client));
    if (isSchemaMissing(error)) throw await explainMissing(client, order);
    throw new StatementFailed(error, { statement: run.statement, character: null });
  }
}

class OnlineRun {
  /** The one that runs, from 0. */
  statement: number | null = null;

  constructor(
    private readonly client: ClientBase,
    private readonly order: VersionOrder,
    private readonly tools: OnlineTools,
  ) {}

  async execute(): Promise<VersionOutcome> {
    const { state, statementsDone, isRestart } = await this.begin();
    if (state === 'applied') return 'already';
    const { statements } = this.order.version;
    await this.client.query(renderSettings(this.order));
    for (let at = statementsDone; at < statements.length; at += 1) {
      this.tools.signal?.throwIfAborted();
      this.statement = at;
      const sql = await this.sqlOf(at, isRestart && at === statementsDone);
      if (sql !== null) await this.client.query(sql);
      await this.record(at + 1, 'applying');
    }
    await this.record(statements.length, 'applied');
    await this.client.query(cleanSession(this.client));
    return 'applied';
  }

  private async begin(): Promise<LedgerEntry & { readonly isRestart: boolean }> {
    const { client, order } = this;
    try {
      await client.query(insertEntry(order, 'applying'));
      return { checksum: order.version.checksum, state: 'applying', statementsDone: 0, isRestart: false };
    } catch (error) {
      const entry = isRecorded(error) ? await findEntry(client, order) : null;
      if (!entry) throw error;
      assertSame(entry, order);
      return { ...entry, isRestart: true };
    }
  }

  /** Null when nothing is left to be done of it. */
  private async sqlOf(at: number, mayHaveRun: boolean): Promise<string | null> {
    const statement = this.order.version.statements[at];
    if (!statement) return null;
    if (!mayHaveRun) return statement.sql;
    return remainderOf(this.client, {
      schemaName: this.order.schemaName,
      parser: this.tools.parser,
      ...statement,
    });
  }

  private async record(done: number, state: LedgerEntry['state']): Promise<void> {
    const { schemaName, version } = this.order;
    await this.client.query(RECORD, [schemaName, version.templateId, version.number, done, state]);
  }
}

function renderSettings({ schemaName, lockTimeoutMs, statementTimeoutMs }: VersionOrder): string {
  return `SET search_path = ${quoteIdentifier(schemaName)}, shared, public, pg_temp;
    SET lock_timeout = ${lockTimeoutMs}; SET statement_timeout = ${statementTimeoutMs}`;
}
