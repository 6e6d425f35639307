import { Inject, Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { type RequestContext, systemContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { hostRoles } from '../../provisioning/tenancy/hosts/host-roles.js';
import { giveWay } from '../../provisioning/tenancy/schemas/warm-schema-stock.js';
import { ManagedDatabases } from '../databases/managed-databases.js';
import { type HostGroup, HostGroupsRepository } from './host-groups.repository.js';
import { type Host, HostsRepository } from './hosts.repository.js';

export const DEFAULT_GROUP = 'default';
const GROWTH_PATIENCE_MS = 60_000;
/** A new hosting database is begun when the group has less room than this part of one. */
const RESERVE = 0.2;

interface Growth {
  /** Whether a host got room meanwhile. */
  readonly hasRoom?: true;
  /** One that another request makes just now. */
  readonly host?: Host;
  /** Why the databases of a group that is as large as it may be take no tenants. */
  readonly shortage?: string;
  /** What makes a new one; empty when the group is as large as it may be. */
  readonly operations: readonly Operation[];
}

/** Decides where a tenant schema goes, and makes new hosting databases before they are needed. */
@Injectable()
export class Placement {
  private readonly logger = new Logger(Placement.name);
  private readonly growing = new Set<string>();
  /** Ids by name; for seconds, since a group may be renamed. */
  private readonly groupIds = new LRUCache<string, string>({ max: 1_000, ttl: 5_000 });

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly hosts: HostsRepository,
    private readonly groups: HostGroupsRepository,
    private readonly databases: ManagedDatabases,
    private readonly operations: OperationsService,
    private readonly credentials: HomeCredentials,
    private readonly audit: AuditLog,
  ) {}

  /** The group's id; the default group is made when it is first asked for. Throws NOT_FOUND. */
  async getGroup(name: string | undefined): Promise<string> {
    const known = this.groupIds.get(name ?? DEFAULT_GROUP);
    if (known) return known;
    const found = await this.groups.findId(name ?? DEFAULT_GROUP);
    if (found) {
      this.groupIds.set(name ?? DEFAULT_GROUP, found);
      return found;
    }
    if (name !== undefined && name !== DEFAULT_GROUP) throw notFoundGroup(name);
    await this.groups.insert(this.dataSource, newId(), {
      name: DEFAULT_GROUP,
      ownerEmail: 'operator@rowhouse.invalid',
      tenantsPerDatabase: this.config.tenants.perDatabase,
      maxDatabases: null,
      maxConnections: this.config.databases.defaultMaxConnections,
    });
    return this.getGroup(undefined);
  }

  /** The host that the caller named, locked. Throws CONFLICT when it takes no tenants now, and NO_ROOM. */
  async takeHost(tx: EntityManager, databaseId: string): Promise<Host> {
    const host = await this.hosts.lock(tx, databaseId);
    if (host?.status !== 'ready') throw notHost();
    if (host.databaseStatus !== 'active') throw notActive(host);
    if (host.tenants >= host.maxTenants)
      throw noRoom(`The database hosts ${host.tenants} tenants, its limit.`);
    if (host.room === 0) await giveWay(tx, databaseId);
    return host;
  }

  /** The group's host with the most room, locked; null when none has room. Stock makes way where the group cannot grow. */
  async findHost(tx: EntityManager, groupId: string, templateId: string | null): Promise<Host | null> {
    const roomiest = await this.hosts.lockRoomiest(tx, groupId, templateId);
    if (roomiest) return roomiest;
    const group = await this.groups.find(groupId, tx);
    if (!group || !isFull(group)) return null;
    const stocked = await this.hosts.findStocked(tx, groupId);
    return stocked === null ? null : this.takeHost(tx, stocked);
  }

  /** Makes a new hosting database, or waits for the one that is just being made. Throws NO_ROOM. */
  grow(context: RequestContext, groupId: string): Promise<void> {
    return this.makeRoom(context, groupId, () => 1);
  }

  /** Begins the next hosting database while there is still room for some tenants. */
  growAhead(groupId: string): void {
    if (this.growing.has(groupId)) return;
    this.growing.add(groupId);
    void this.growIfTight(groupId)
      .catch((error: unknown) => this.logger.warn('A new hosting database could not be made ahead', error))
      .finally(() => this.growing.delete(groupId));
  }

  private async growIfTight(groupId: string): Promise<void> {
    const group = await this.groups.find(groupId);
    if (!group || group.databases === 0 || isFull(group)) return;
    const reserve = ({ tenantsPerDatabase }: HostGroup) => Math.ceil(tenantsPerDatabase * RESERVE);
    await this.makeRoom(systemContext('placement'), groupId, reserve);
  }

  /** `enough`: the room that makes another database unnecessary. */
  private async makeRoom(
    asker: RequestContext,
    groupId: string,
    enough: (group: HostGroup) => number,
  ): Promise<void> {
    // The request's Idempotency-Key belongs to the tenant's own operation.
    const context = { ...asker, idempotencyKey: null };
    const growth = await this.dataSource.transaction(async (tx) => {
      const group = await this.groups.lock(tx, groupId);
      if (!group) throw notFound('host group', groupId);
      return this.begin(tx, context, { group, enough: enough(group) });
    });
    if (growth.hasRoom) return;
    for (const operation of growth.operations) await this.operations.run(operation, 0);
    const last = growth.operations.at(-1) ?? (growth.host && (await this.preparationOf(growth.host)));
    if (!last) throw noRoom(`${growth.shortage ?? ''} The group may have no more databases.`);
    const ended = await this.operations.run(last, GROWTH_PATIENCE_MS);
    if (ended.state === 'succeeded') return;
    throw new RowhouseError('SERVICE_UNAVAILABLE', 'A new hosting database is needed and not there yet.');
  }

  /** One at a time in a group: a second one waits for the lock and finds what the first began or made. */
  private async begin(
    tx: EntityManager,
    context: RequestContext,
    { group, enough }: { group: HostGroup; enough: number },
  ): Promise<Growth> {
    const hosts = await this.hosts.listByGroup(tx, group.id);
    const host = hosts.find(({ status }) => status === 'preparing');
    if (host) return { host, operations: [] };
    const room = hosts.reduce((sum, host) => sum + host.room, 0);
    if (room >= enough) return { hasRoom: true, operations: [] };
    if (isFull(group)) return { shortage: describeShortage(hosts), operations: [] };
    return this.beginHost(tx, context, group);
  }

  private async beginHost(tx: EntityManager, context: RequestContext, group: HostGroup): Promise<Growth> {
    const wish = await this.databases.prepare({
      friendlyName: `host ${group.databases + 1} of ${group.name}`,
      ownerEmail: group.ownerEmail,
      maxConnections: group.maxConnections,
    });
    const { database, operation: making } = await this.databases.begin(tx, context, wish);
    const id = newId();
    const { app, readonly } = hostRoles(database.databaseName);
    await this.hosts.insert(tx, {
      id,
      databaseId: database.id,
      groupId: group.id,
      maxTenants: group.tenantsPerDatabase,
      app: await this.credentials.generate(app.value),
      readonly: await this.credentials.generate(readonly.value),
    });
    const preparing = await this.operations.create(tx, context, {
      kind: 'host.prepare',
      subjectType: 'host',
      subjectId: id,
      input: { databaseOperationId: making.id },
    });
    await this.audit.record(tx, context, {
      action: 'host.prepare',
      resourceType: 'database',
      resourceId: database.id,
      operationId: preparing.id,
      after: { host_group: group.name, max_tenants: group.tenantsPerDatabase },
      outcome: 'accepted',
    });
    return { operations: [making, preparing] };
  }

  private async preparationOf(host: Host): Promise<Operation | null> {
    const { items } = await this.operations.list({ subjectId: host.id, limit: 1 });
    return items[0] ?? null;
  }
}

function isFull({ databases, maxDatabases }: HostGroup): boolean {
  return maxDatabases !== null && databases >= maxDatabases;
}

function describeShortage(hosts: readonly Host[]): string {
  const states = hosts.map(({ status, databaseStatus }) => {
    if (databaseStatus !== 'active') return databaseStatus;
    return status === 'ready' ? 'full' : status;
  });
  const counts = [...new Set(states)].map(
    (state) => `${states.filter((other) => other === state).length} ${state}`,
  );
  return `No hosting database of the group has room: ${counts.join(', ')}.`;
}

function notHost(): RowhouseError {
  return new RowhouseError(
    'CONFLICT',
    'The database is no tenant host. Make it one: POST /api/databases/:id/host.',
    { errors: [{ field: 'databaseId', message: 'is no tenant host' }] },
  );
}

function notActive({ databaseStatus }: Host): RowhouseError {
  return new RowhouseError(
    'CONFLICT',
    `The hosting database is ${databaseStatus}: it takes no new tenants until it is active.`,
    { errors: [{ field: 'databaseId', message: `is ${databaseStatus}` }] },
  );
}

function noRoom(detail: string): RowhouseError {
  return new RowhouseError('NO_ROOM', detail);
}

function notFoundGroup(name: string): RowhouseError {
  return new RowhouseError('NOT_FOUND', `There is no host group "${name}".`);
}
