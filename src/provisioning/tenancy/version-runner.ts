import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { applyOnline } from './version-online.js';
import type { VersionOrder, VersionOutcome } from './version-order.js';
import { applyInTransaction } from './version-transaction.js';

/** Brings schemas of tenants to template versions, in sessions of their hosts' provisioner role. */
@Injectable()
export class VersionRunner {
  /**
   * One version in one schema, which has all versions before it. The session is clean afterwards unless this throws
   * something else than VersionFailed; then it is lost or in an unknown state: release it with `release(true)`.
   * `signal` stops a version that runs statement by statement before its next one; it goes on from there when applied again.
   */
  apply(client: ClientBase, order: VersionOrder, signal?: AbortSignal): Promise<VersionOutcome> {
    return order.version.transactional
      ? applyInTransaction(client, order)
      : applyOnline(client, order, signal);
  }
}
