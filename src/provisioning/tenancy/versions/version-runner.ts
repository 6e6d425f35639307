import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { SqlParser } from '../../../infra/sql-parser/sql-parser.js';
import { StatementFailed, toVersionFailed } from './version-failure.js';
import { applyOnline } from './version-online.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { findPlace } from './version-place.js';
import { applyInTransaction, flushCommits } from './version-transaction.js';

/** Brings schemas of tenants to template versions, in sessions of their hosts' provisioner role. */
@Injectable()
export class VersionRunner {
  constructor(private readonly parser: SqlParser) {}

  /**
   * One version in one schema, which has all versions before it. Throws VersionFailed, after which the session is as good
   * as new; whatever else it throws is about the connection: release it with `release(true)`. `signal` stops a version
   * that runs statement by statement before its next one; applied again, it goes on from there. A crash of the server may
   * take back what is not flushed yet, as a whole and with its ledger row.
   */
  async apply(client: ClientBase, order: VersionOrder, signal?: AbortSignal): Promise<VersionOutcome> {
    const { version } = order;
    try {
      if (version.transactional) return await applyInTransaction(client, order);
      return await applyOnline(client, order, { parser: this.parser, signal });
    } catch (error) {
      if (!(error instanceof StatementFailed)) throw error;
      const place = await findPlace(this.parser, version.files, error.place);
      throw toVersionFailed(error.error, version.number, place);
    }
  }

  /** Waits until what this session has applied is on disk; report nothing as applied before. */
  flush(client: ClientBase): Promise<void> {
    return flushCommits(client);
  }
}
