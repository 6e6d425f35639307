import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type { DatabaseEntity } from './database.entity.js';
import { DatabaseCommands } from './database-commands.js';
import { assertWithinServer } from './database-limits.js';
import { DatabasePresenter } from './database-presenter.js';
import { DatabasesReader } from './databases.reader.js';
import { DatabasesRepository } from './databases.repository.js';
import type { DatabaseDto } from './dto/database.dto.js';
import type { PatchDatabaseDto } from './dto/patch-database.dto.js';

type Settings = Required<PatchDatabaseDto>;

/** Those that the server has to learn; the others are Rowhouse's own. */
const SERVER_SETTINGS = [
  'maxConnections',
  'statementTimeoutMs',
  'lockTimeoutMs',
  'idleInTransactionTimeoutMs',
] as const satisfies readonly (keyof Settings)[];

/** Changes what a database was made with. */
@Injectable()
export class DatabaseSettingsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly commands: DatabaseCommands,
    private readonly operations: OperationsService,
    private readonly repository: DatabasesRepository,
    private readonly reader: DatabasesReader,
    private readonly presenter: DatabasePresenter,
    private readonly servers: ServerRegistry,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Row, audit row and, where the server has to learn of it, the operation are one control transaction. */
  async patch(
    context: RequestContext,
    id: string,
    dto: PatchDatabaseDto,
  ): Promise<OperationReply<DatabaseDto>> {
    const operation = await this.dataSource.transaction((tx) => this.begin(tx, context, { id, dto }));
    if (!operation) return new Reply(200, await this.reader.get(id));
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get(id) });
  }

  /** In the caller's control transaction; null when the server has nothing to learn. */
  async begin(
    tx: EntityManager,
    context: RequestContext,
    { id, dto }: { id: string; dto: PatchDatabaseDto },
  ): Promise<Operation | null> {
    const database = await this.commands.getLocked(tx, id);
    assertPatchable(database);
    const changes = changesOf(database, dto);
    if (changes.maxConnections)
      assertWithinServer(this.servers.get(database.serverId), changes.maxConnections);
    if (Object.keys(changes).length === 0) return null;
    return this.apply(tx, context, database, changes);
  }

  private async apply(
    tx: EntityManager,
    context: RequestContext,
    database: DatabaseEntity,
    changes: Partial<Settings>,
  ): Promise<Operation | null> {
    const { id } = database;
    await this.repository.update(tx, id, { ...changes, updatedAt: this.clock.now() });
    const access = 'externalAccess' in changes;
    const forServer = access || SERVER_SETTINGS.some((name) => name in changes);
    const operation = forServer ? await this.enqueue(tx, context, { database, access }) : null;
    await this.audit.record(tx, context, {
      action: 'database.update',
      resourceType: 'database',
      resourceId: id,
      operationId: operation?.id,
      before: this.presenter.database(database),
      after: this.presenter.database(Object.assign({ ...database }, changes)),
      outcome: operation ? 'accepted' : 'succeeded',
    });
    return operation;
  }

  private enqueue(
    tx: EntityManager,
    context: RequestContext,
    { database, access }: { database: DatabaseEntity; access: boolean },
  ): Promise<Operation> {
    return this.operations.create(tx, context, {
      kind: 'database.apply',
      subjectType: 'database',
      subjectId: database.id,
      input: { access, formerAccess: database.externalAccess },
    });
  }
}

function assertPatchable({ status }: DatabaseEntity): void {
  if (status === 'active' || status === 'suspended') return;
  throw new RowhouseError('RESOURCE_BUSY', `The database is ${status}; it cannot be changed now.`);
}

function changesOf(database: DatabaseEntity, dto: PatchDatabaseDto): Partial<Settings> {
  const given = Object.entries(dto).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.filter(([name, value]) => database[name as keyof Settings] !== value));
}
