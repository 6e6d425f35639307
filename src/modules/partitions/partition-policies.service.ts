import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { decodeCursor, toPage } from '../../http/pagination.js';
import { type Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Clock } from '../../kernel/clock.js';
import { notFound, RowhouseError, taken } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import { HostReader } from '../../provisioning/tenancy/hosts/host-reader.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import {
  type DeletedPartitionPolicyDto,
  type PartitionPolicyDto,
  toPolicyDto,
} from './dto/partition-policy.dto.js';
import type {
  CreatePartitionPolicyDto,
  ListPartitionPoliciesQuery,
  PatchPartitionPolicyDto,
} from './dto/requests.dto.js';
import { PartitionPoliciesRepository } from './partition-policies.repository.js';
import type { PartitionPolicyEntity } from './partition-policy.entity.js';
import { PartitionTableCheck } from './partition-table-check.js';
import { TimeZoneNames } from './time-zone-names.js';

const DEFAULT_PREMAKE = 3;

/** The policies themselves; what they do is PartitionRunsService's. */
@Injectable()
export class PartitionPoliciesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: PartitionPoliciesRepository,
    private readonly tables: PartitionTableCheck,
    private readonly databases: ManagedDatabases,
    private readonly hosts: HostReader,
    private readonly timeZones: TimeZoneNames,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /**
   * Throws NOT_FOUND for a template or database that is not there, VALIDATION_FAILED for a table that the template does
   * not partition by time, CONFLICT for one that has a policy.
   */
  async create(context: RequestContext, dto: CreatePartitionPolicyDto): Promise<Reply<PartitionPolicyDto>> {
    await this.assertScope(dto);
    const policy = this.newPolicy(dto, await this.timeZones.resolve(dto.timeZone ?? 'UTC'));
    return this.dataSource.transaction(async (tx) => {
      if (!(await this.repository.insert(tx, policy))) throw duplicate(policy);
      const after = toPolicyDto(policy);
      await this.record(tx, context, policy.id, { action: 'partition_policy.create', after });
      return new Reply(201, after);
    });
  }

  async get(id: string): Promise<PartitionPolicyDto> {
    const policy = await this.repository.find(id);
    if (!policy) throw notFound('partition policy', id);
    return toPolicyDto(policy);
  }

  /** Newest first. */
  async list({ cursor, ...filter }: ListPartitionPoliciesQuery): Promise<Page<PartitionPolicyDto>> {
    const policies = await this.repository.list({ ...filter, after: decodeCursor(cursor) });
    return toPage(policies, filter.limit, toPolicyDto);
  }

  /** A changed policy is due at once. */
  async patch(
    context: RequestContext,
    id: string,
    { timeZone, ...dto }: PatchPartitionPolicyDto,
  ): Promise<PartitionPolicyDto> {
    const zone = timeZone === undefined ? {} : { timeZone: await this.timeZones.resolve(timeZone) };
    return this.dataSource.transaction(async (tx) => {
      const policy = await this.getLocked(tx, id);
      const now = this.clock.now();
      const changes = { ...definedOf(dto), ...zone, nextRunAt: now, updatedAt: now };
      await this.repository.update(tx, id, changes);
      const after = toPolicyDto({ ...policy, ...changes });
      await this.record(tx, context, id, {
        action: 'partition_policy.update',
        before: toPolicyDto(policy),
        after,
      });
      return after;
    });
  }

  /** Partitions stay as they are. */
  async delete(context: RequestContext, id: string): Promise<DeletedPartitionPolicyDto> {
    await this.dataSource.transaction(async (tx) => {
      const before = toPolicyDto(await this.getLocked(tx, id));
      await this.repository.delete(tx, id);
      await this.record(tx, context, id, { action: 'partition_policy.delete', before });
    });
    return { id, status: 'deleted' };
  }

  private async getLocked(tx: EntityManager, id: string): Promise<PartitionPolicyEntity> {
    const policy = await this.repository.findLocked(tx, id);
    if (!policy) throw notFound('partition policy', id);
    return policy;
  }

  /** Partitions are made as the host's provisioner, so a database needs one. */
  private async assertScope({ templateId, databaseId, table }: CreatePartitionPolicyDto): Promise<void> {
    if (templateId !== undefined) await this.tables.assertPartitioned(templateId, table);
    if (databaseId === undefined) return;
    await this.databases.get(databaseId);
    if ((await this.hosts.find(databaseId)) === null) {
      throw new RowhouseError(
        'CONFLICT',
        'The database is neither a tenant host nor the database of a tenant. Make it a host: POST /api/databases/:id/host.',
        { errors: [{ field: 'databaseId', message: 'hosts no tenants' }] },
      );
    }
  }

  private newPolicy(dto: CreatePartitionPolicyDto, timeZone: string): PartitionPolicyEntity {
    const now = this.clock.now();
    return {
      id: newId(),
      templateId: dto.templateId ?? null,
      databaseId: dto.databaseId ?? null,
      table: dto.table,
      interval: dto.interval,
      premake: dto.premake ?? DEFAULT_PREMAKE,
      retentionMonths: dto.retentionMonths ?? null,
      onRetention: dto.onRetention ?? 'detach',
      timeZone,
      enabled: dto.enabled ?? true,
      nextRunAt: now,
      lastRunAt: null,
      lastReport: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  private record(
    tx: EntityManager,
    context: RequestContext,
    resourceId: string,
    entry: { action: string; before?: object; after?: object },
  ): Promise<void> {
    const resource = { resourceType: 'partition_policy', resourceId, outcome: 'succeeded' } as const;
    return this.audit.record(tx, context, { ...entry, ...resource });
  }
}

function definedOf<T extends object>(dto: T): Partial<T> {
  const given = Object.entries(dto).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<T>;
}

function duplicate({ table, templateId }: PartitionPolicyEntity): RowhouseError {
  const scope = templateId === null ? 'database' : 'template';
  const message = 'has a partition policy already';
  return taken('table', `The table "${table}" of this ${scope} ${message}.`, message);
}
