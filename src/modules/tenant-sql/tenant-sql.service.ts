import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { sessionEnded } from '../../infra/postgres/statement/statement-errors.js';
import {
  runStatement,
  type Statement,
  type StatementAnswer,
} from '../../infra/postgres/statement/statement-run.js';
import type { StatementSession } from '../../infra/postgres/statement/statement-session.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type { Tenant } from '../tenants/tenant.js';
import { TenantsReader } from '../tenants/tenants.reader.js';
import type { RunSqlDto } from './dto/run-sql.dto.js';
import type { SqlResultDto } from './dto/sql-result.dto.js';
import { StatementAudit } from './statement-audit.js';
import { StatementSlots } from './statement-slots.js';
import { StatementTime } from './statement-time.js';
import { TenantLogin } from './tenant-login.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_ROWS = 1_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;

export interface SqlRequest {
  readonly id: string;
  readonly dto: RunSqlDto;
  /** Aborts when the client leaves. */
  readonly gone: AbortSignal;
}

/** Runs statements for tenants, as their own logins. */
@Injectable()
export class TenantSqlService {
  constructor(
    private readonly tenants: TenantsReader,
    private readonly servers: ServerRegistry,
    private readonly logins: TenantLogin,
    private readonly slots: StatementSlots,
    private readonly audit: StatementAudit,
  ) {}

  async run(context: RequestContext, { id, dto, gone }: SqlRequest): Promise<SqlResultDto> {
    const statement = toStatement(dto);
    if (!statement.readOnly && !grants(context.principal.scopes, 'tenants:write')) {
      throw new RowhouseError(
        'INSUFFICIENT_SCOPE',
        'Writing (readOnly: false) needs the scope tenants:write.',
      );
    }
    const tenant = await this.tenants.getTenant(id);
    assertActive(tenant);
    return this.slots.use(id, async () => {
      const time = new StatementTime(dto.timeoutMs ?? DEFAULT_TIMEOUT_MS, gone);
      try {
        return await this.runAudited(context, { tenant, statement, time });
      } finally {
        time.end();
      }
    });
  }

  private async runAudited(
    context: RequestContext,
    { tenant, statement, time }: { tenant: Tenant; statement: Statement; time: StatementTime },
  ): Promise<SqlResultDto> {
    const what = { context, tenantId: tenant.id, statement };
    if (!statement.readOnly) await this.audit.accepted(what);
    const answer = await this.execute(tenant, statement, time).catch(async (failure: unknown) => {
      const error = time.explain(failure);
      await this.audit.failed(what, error, time.elapsedMs);
      throw error;
    });
    await this.audit.succeeded(what, answer, time.elapsedMs);
    return toResult(answer, statement, time);
  }

  private async execute(tenant: Tenant, statement: Statement, time: StatementTime): Promise<StatementAnswer> {
    const server = this.servers.get(tenant.serverId);
    const { readOnly } = statement;
    const session = await this.logins.open(server, tenant, { readOnly, timeoutMs: time.timeoutMs });
    const stop = () => session.interrupt(time.signal.reason);
    time.signal.addEventListener('abort', stop, { once: true });
    if (time.signal.aborted) stop();
    try {
      return await runStatement(session, statement);
    } catch (error) {
      throw await explainEnd(server, error);
    } finally {
      time.signal.removeEventListener('abort', stop);
      await end(server, session);
    }
  }
}

/** PostgreSQL words a session's termination as its own shutdown; one that answers has not been shut down. */
async function explainEnd({ postgres }: ManagedServer, error: unknown): Promise<unknown> {
  if (sqlState(error) !== SQLSTATE.adminShutdown) return error;
  return postgres.ping().then(
    () => sessionEnded(error),
    () => error,
  );
}

/** What still runs is ended by the administrator: a function can catch a cancellation, and a closed connection shows late. */
async function end({ postgres }: ManagedServer, session: StatementSession): Promise<void> {
  if (session.wasInterrupted) {
    await postgres
      .query('SELECT pg_catalog.pg_terminate_backend($1)', [session.processId])
      .catch(() => undefined);
  }
  await session.close();
}

function assertActive({ status }: Tenant): void {
  if (status === 'active') return;
  if (status === 'creating' || status === 'deleting') {
    throw new RowhouseError('RESOURCE_BUSY', `The tenant is ${status}; wait until that is done.`);
  }
  throw new RowhouseError('CONFLICT', `The tenant is ${status}; this needs it to be active.`);
}

function toStatement(dto: RunSqlDto): Statement {
  return {
    sql: dto.sql,
    parameters: dto.parameters ?? [],
    readOnly: dto.readOnly ?? true,
    maxRows: dto.maxRows ?? DEFAULT_MAX_ROWS,
    maxBytes: dto.maxBytes ?? DEFAULT_MAX_BYTES,
  };
}

function toResult(answer: StatementAnswer, { readOnly }: Statement, time: StatementTime): SqlResultDto {
  return {
    columns: answer.columns.map(({ name, type, typeOid }) => ({ name, type, type_oid: typeOid })),
    rows: [...answer.rows],
    row_count: answer.rowCount,
    command: answer.command,
    truncated: answer.isTruncated,
    duration_ms: time.elapsedMs,
    read_only: readOnly,
  };
}
