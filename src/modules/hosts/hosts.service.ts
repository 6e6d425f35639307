import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { hostRoles } from '../../provisioning/tenancy/hosts/host-roles.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import type {
  HostDatabaseDto,
  HostDto,
  HostQuery,
  PatchHostDto,
  RotateHostCredentialsDto,
} from './dto/host.dto.js';
import { HostPresenter } from './host-presenter.js';
import { type Host, HostsRepository } from './hosts.repository.js';

/** Managed databases as homes of tenant schemas. */
@Injectable()
export class HostsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: HostsRepository,
    private readonly presenter: HostPresenter,
    private readonly databases: ManagedDatabases,
    private readonly credentials: HomeCredentials,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  /** Throws CONFLICT when it is a host already. A host whose preparation failed is prepared anew. */
  async create(
    context: RequestContext,
    databaseId: string,
    { maxTenants = this.config.tenants.perDatabase }: HostDatabaseDto,
  ): Promise<OperationReply<HostDto>> {
    const { databaseName, status } = await this.databases.get(databaseId);
    if (status !== 'active') throw notActive(status);
    const roles = hostRoles(databaseName);
    const app = await this.credentials.generate(roles.app.value);
    const readonly = await this.credentials.generate(roles.readonly.value);
    const operation = await this.dataSource.transaction(async (tx) => {
      const found = await this.repository.lock(tx, databaseId);
      if (found && found.status !== 'failed') throw alreadyHost();
      if (found) await this.repository.delete(tx, found.id);
      const id = newId();
      const host = { id, databaseId, groupId: null, maxTenants, app, readonly };
      await this.repository.insert(tx, host).catch(toAlreadyHost);
      const preparing = await this.operations.create(tx, context, {
        kind: 'host.prepare',
        subjectType: 'host',
        subjectId: id,
        input: {},
      });
      await this.record(tx, context, {
        action: 'host.prepare',
        databaseId,
        operationId: preparing.id,
        after: { max_tenants: maxTenants },
      });
      return preparing;
    });
    const ended = await this.operations.run(operation, context.waitMs);
    const passwords = { app: app.password, readonly: readonly.password };
    return toReply(ended, {
      created: true,
      resource: async () => this.presenter.host(await this.getHost(databaseId), passwords),
    });
  }

  async get(context: RequestContext, databaseId: string, { reveal }: HostQuery): Promise<HostDto> {
    if (reveal && !grants(context.principal.scopes, 'credentials:read')) {
      throw new RowhouseError('INSUFFICIENT_SCOPE', 'Showing a password needs the scope credentials:read.');
    }
    const host = await this.getHost(databaseId);
    if (!reveal) return this.presenter.host(host);
    const roles = hostRoles(host.databaseName);
    const passwords = {
      app: this.credentials.get(roles.app.value, host.appCiphertext),
      readonly: this.credentials.get(roles.readonly.value, host.readonlyCiphertext),
    };
    await this.record(this.dataSource.manager, context, {
      action: 'host.reveal_credentials',
      databaseId,
      outcome: 'succeeded',
    });
    return this.presenter.host(host, passwords);
  }

  async patch(context: RequestContext, databaseId: string, { maxTenants }: PatchHostDto): Promise<HostDto> {
    await this.dataSource.transaction(async (tx) => {
      const host = await this.repository.lock(tx, databaseId);
      if (!host) throw notHost();
      await this.repository.setMaxTenants(tx, host.id, maxTenants ?? host.maxTenants);
      await this.record(tx, context, {
        action: 'host.update',
        databaseId,
        before: { max_tenants: host.maxTenants },
        after: { max_tenants: maxTenants ?? host.maxTenants },
        outcome: 'succeeded',
      });
    });
    return this.presenter.host(await this.getHost(databaseId));
  }

  /** The old password is refused at once, and pooled sessions of the host's roles end. */
  async rotate(
    context: RequestContext,
    databaseId: string,
    { role }: RotateHostCredentialsDto,
  ): Promise<OperationReply<HostDto>> {
    const { databaseName } = await this.getHost(databaseId);
    const fresh = await this.credentials.generate(hostRoles(databaseName)[role].value);
    const operation = await this.dataSource.transaction(async (tx) => {
      const host = await this.repository.lock(tx, databaseId);
      if (host?.status !== 'ready') throw notHost();
      await this.repository.setSecret(tx, host.id, role, fresh);
      const rotating = await this.operations.create(tx, context, {
        kind: 'host.rotate_credentials',
        subjectType: 'host',
        subjectId: host.id,
        input: { role },
      });
      await this.record(tx, context, {
        action: 'host.rotate_credentials',
        databaseId,
        operationId: rotating.id,
        after: { role },
      });
      return rotating;
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () => this.presenter.host(await this.getHost(databaseId), { [role]: fresh.password }),
    });
  }

  private async getHost(databaseId: string): Promise<Host> {
    const host = await this.repository.findByDatabase(databaseId);
    if (host) return host;
    await this.databases.get(databaseId);
    throw notHost();
  }

  private record(
    tx: Parameters<AuditLog['record']>[0],
    context: RequestContext,
    { databaseId, outcome = 'accepted', ...entry }: HostAuditEntry,
  ): Promise<void> {
    return this.audit.record(tx, context, {
      ...entry,
      resourceType: 'database',
      resourceId: databaseId,
      outcome,
    });
  }
}

interface HostAuditEntry {
  readonly action: string;
  readonly databaseId: string;
  readonly operationId?: string;
  readonly before?: object;
  readonly after?: object;
  readonly outcome?: 'accepted' | 'succeeded';
}

function notActive(status: string): RowhouseError {
  return new RowhouseError('CONFLICT', `The database is ${status}; this needs it to be active.`);
}

function alreadyHost(): RowhouseError {
  return new RowhouseError('CONFLICT', 'The database is a tenant host already.');
}

/** Two requests at the same moment: the unique index decides. */
function toAlreadyHost(error: unknown): never {
  if (sqlState(error) === SQLSTATE.uniqueViolation) throw alreadyHost();
  throw error;
}

function notHost(): RowhouseError {
  return new RowhouseError(
    'NOT_FOUND',
    'The database is no tenant host. Make it one: POST /api/databases/:id/host.',
  );
}
