import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { type AuditEntry, AuditLog } from '../../infra/control-db/audit-log.js';
import { sqlState } from '../../infra/postgres/sqlstate.js';
import type { Statement, StatementAnswer } from '../../infra/postgres/statement/statement-run.js';
import { RowhouseError } from '../../kernel/errors.js';

export interface AuditedStatement {
  readonly context: RequestContext;
  readonly tenantId: string;
  readonly statement: Statement;
}

/** Writes who ran which statement: its checksum and length, never its text or its parameters. */
@Injectable()
export class StatementAudit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly audit: AuditLog,
  ) {}

  /** Before a write, which leaves a trace so also when this process dies in it. */
  accepted(what: AuditedStatement): Promise<void> {
    return this.record(what, { outcome: 'accepted', after: describe(what.statement) });
  }

  succeeded(what: AuditedStatement, answer: StatementAnswer, durationMs: number): Promise<void> {
    const { rowCount, command, isTruncated } = answer;
    const after = {
      ...describe(what.statement),
      row_count: rowCount,
      command,
      truncated: isTruncated,
      duration_ms: durationMs,
    };
    return this.record(what, { outcome: 'succeeded', after });
  }

  failed(what: AuditedStatement, error: unknown, durationMs: number): Promise<void> {
    const isKnown = error instanceof RowhouseError;
    const sqlstate = sqlState(isKnown ? error.cause : error) ?? null;
    const after = { ...describe(what.statement), sqlstate, duration_ms: durationMs };
    return this.record(what, { outcome: 'failed', after, errorCode: isKnown ? error.code : 'INTERNAL' });
  }

  private record(
    { context, tenantId }: AuditedStatement,
    entry: Pick<AuditEntry, 'outcome' | 'after' | 'errorCode'>,
  ): Promise<void> {
    return this.audit.record(this.dataSource.manager, context, {
      action: 'tenant.sql',
      resourceType: 'tenant',
      resourceId: tenantId,
      ...entry,
    });
  }
}

function describe({ sql, parameters, readOnly }: Statement): object {
  return {
    sql_sha256: createHash('sha256').update(sql).digest('hex'),
    sql_length: sql.length,
    parameter_count: parameters.length,
    read_only: readOnly,
  };
}
