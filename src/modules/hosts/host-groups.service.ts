import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { decodeCursor, type ListQuery, toPage } from '../../http/pagination.js';
import { type Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { notFound, RowhouseError, taken } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { CreateHostGroupDto, HostGroupDto, PatchHostGroupDto } from './dto/host-group.dto.js';
import { type HostGroup, type HostGroupFields, HostGroupsRepository } from './host-groups.repository.js';

@Injectable()
export class HostGroupsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: HostGroupsRepository,
    private readonly audit: AuditLog,
  ) {}

  async create(context: RequestContext, dto: CreateHostGroupDto): Promise<Reply<HostGroupDto>> {
    const id = newId();
    const fields: HostGroupFields = {
      name: dto.name,
      ownerEmail: dto.ownerEmail,
      tenantsPerDatabase: dto.tenantsPerDatabase ?? this.config.tenants.perDatabase,
      maxDatabases: dto.maxDatabases ?? null,
      maxConnections: dto.maxConnections ?? this.config.databases.defaultMaxConnections,
    };
    await this.dataSource.transaction(async (tx) => {
      if (!(await this.repository.insert(tx, id, fields))) throw nameTaken(dto.name);
      await this.record(tx, context, { action: 'host_group.create', id, after: fields });
    });
    return new Reply(201, await this.get(id));
  }

  async list({ limit, cursor }: ListQuery): Promise<Page<HostGroupDto>> {
    return toPage(await this.repository.list(limit, decodeCursor(cursor)), limit, toDto);
  }

  async get(id: string): Promise<HostGroupDto> {
    const group = await this.repository.find(id);
    if (!group) throw notFound('host group', id);
    return toDto(group);
  }

  async patch(context: RequestContext, id: string, dto: PatchHostGroupDto): Promise<HostGroupDto> {
    await this.dataSource
      .transaction(async (tx) => {
        const before = await this.repository.lock(tx, id);
        if (!before) throw notFound('host group', id);
        const after = { ...before, ...dto };
        await this.repository.update(tx, id, after);
        await this.record(tx, context, {
          action: 'host_group.update',
          id,
          before: toDto(before),
          after: { ...dto },
        });
      })
      .catch((error: unknown) => {
        if (sqlState(error) === SQLSTATE.uniqueViolation) throw nameTaken(dto.name ?? '');
        throw error;
      });
    return this.get(id);
  }

  /** Throws CONFLICT while it has databases. */
  async delete(context: RequestContext, id: string): Promise<HostGroupDto> {
    return this.dataSource.transaction(async (tx) => {
      const group = await this.repository.lock(tx, id);
      if (!group) throw notFound('host group', id);
      if (group.databases > 0) {
        throw new RowhouseError('CONFLICT', `The group has ${group.databases} databases. Delete them first.`);
      }
      await this.repository.delete(tx, id);
      await this.record(tx, context, { action: 'host_group.delete', id, before: toDto(group) });
      return toDto(group);
    });
  }

  private record(
    tx: Parameters<AuditLog['record']>[0],
    context: RequestContext,
    { id, ...entry }: { action: string; id: string; before?: object; after?: object },
  ): Promise<void> {
    return this.audit.record(tx, context, {
      ...entry,
      resourceType: 'host_group',
      resourceId: id,
      outcome: 'succeeded',
    });
  }
}

function toDto(group: HostGroup): HostGroupDto {
  return {
    id: group.id,
    name: group.name,
    owner_email: group.ownerEmail,
    tenants_per_database: group.tenantsPerDatabase,
    max_databases: group.maxDatabases,
    max_connections: group.maxConnections,
    databases: group.databases,
    tenants: group.tenants,
    created_at: group.createdAt.toISOString(),
  };
}

function nameTaken(name: string): RowhouseError {
  return taken('name', `There is a host group "${name}" already.`);
}
