import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../kernel/ids.js';
import { maskSecrets } from '../../kernel/masking.js';

/** Who did it; a request's context is one. */
export interface AuditActor {
  readonly principal: { readonly type: string; readonly id: string; readonly name: string };
  readonly requestId: string;
  readonly address: string | null;
}

export interface AuditEntry {
  /** Resource and verb: `database.create`. */
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string | null;
  readonly before?: object;
  readonly after?: object;
  readonly outcome: 'accepted' | 'succeeded' | 'failed';
  readonly operationId?: string;
  readonly errorCode?: string;
}

const INSERT = `
  INSERT INTO audit_logs (id, actor_type, actor_id, actor_name, address, request_id, operation_id,
                          action, resource_type, resource_id, before, after, outcome, error_code)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`;

/** Writes the audit trail: one row for each mutation, in the transaction that makes it. Secrets are masked here. */
@Injectable()
export class AuditLog {
  async record(tx: EntityManager, actor: AuditActor, entry: AuditEntry): Promise<void> {
    await tx.query(INSERT, [
      newId(),
      actor.principal.type,
      actor.principal.id,
      actor.principal.name,
      toInet(actor.address),
      actor.requestId,
      entry.operationId ?? null,
      entry.action,
      entry.resourceType,
      entry.resourceId,
      toJson(entry.before),
      toJson(entry.after),
      entry.outcome,
      entry.errorCode ?? null,
    ]);
  }
}

/** PostgreSQL's `inet` takes no zone (`fe80::1%eth0`) and no name. */
function toInet(address: string | null): string | null {
  const [bare = ''] = (address ?? '').split('%');
  return isIP(bare) ? bare : null;
}

function toJson(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(maskSecrets(value));
}
