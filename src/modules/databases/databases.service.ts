import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { Extensions } from '../../provisioning/extensions.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { WarmPool } from '../../provisioning/warm-pool.js';
import type { DatabaseEntity } from './database.entity.js';
import { DatabaseCredentials } from './database-credentials.js';
import { assertWithinServer } from './database-limits.js';
import { DatabasePresenter } from './database-presenter.js';
import { DatabasesReader } from './databases.reader.js';
import { DatabasesRepository } from './databases.repository.js';
import type { CreateDatabaseDto, EnsureDatabaseDto } from './dto/create-database.dto.js';
import type { DatabaseWithPasswordDto } from './dto/database.dto.js';
import { type NewDatabase, newDatabase } from './new-database.js';

interface Creation {
  readonly database: DatabaseEntity;
  readonly operation: Operation;
}

/** Brings databases into being. */
@Injectable()
export class DatabasesService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: DatabasesRepository,
    private readonly reader: DatabasesReader,
    private readonly presenter: DatabasePresenter,
    private readonly credentials: DatabaseCredentials,
    private readonly operations: OperationsService,
    private readonly servers: ServerRegistry,
    private readonly extensions: Extensions,
    private readonly warmPool: WarmPool,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  async create(context: RequestContext, dto: CreateDatabaseDto): Promise<Reply<DatabaseWithPasswordDto>> {
    const request = await this.prepare(dto);
    const creation = await this.dataSource.transaction((tx) => this.begin(tx, context, request));
    return this.finish(context, creation, request.credentials.password);
  }

  /** Two requests with one name wait for each other; the second finds what the first made. */
  async ensure(
    context: RequestContext,
    friendlyName: string,
    dto: EnsureDatabaseDto,
  ): Promise<Reply<DatabaseWithPasswordDto>> {
    const request = await this.prepare({ ...dto, friendlyName });
    const outcome = await this.dataSource.transaction(async (tx) => {
      const found = await this.repository.findByNameLocked(tx, friendlyName);
      return oneOf(friendlyName, found) ?? this.begin(tx, context, request);
    });
    if ('operation' in outcome) return this.finish(context, outcome, request.credentials.password);
    return new Reply(200, this.presenter.database(outcome));
  }

  private async prepare(dto: CreateDatabaseDto): Promise<NewDatabase> {
    const server = this.servers.default();
    const maxConnections = dto.maxConnections ?? this.config.databases.defaultMaxConnections;
    assertWithinServer(server, maxConnections);
    if (dto.extensions?.length) await this.extensions.assertAvailable(server, dto.extensions);
    const id = newId();
    const credentials = await this.credentials.generate(id);
    return { id, server, dto, maxConnections, credentials, at: this.clock.now() };
  }

  /** One control transaction: the row, its operation and its audit row. */
  private async begin(tx: EntityManager, context: RequestContext, request: NewDatabase): Promise<Creation> {
    const warm = await this.warmPool.claim(tx, request.server.id);
    const database = newDatabase(request, warm);
    await this.repository.insert(tx, database);
    const operation = await this.operations.create(tx, context, {
      kind: warm && !this.hasExtras(request) ? 'database.claim' : 'database.create',
      subjectType: 'database',
      subjectId: database.id,
      input: { shadow: request.dto.shadow === true },
    });
    await this.audit.record(tx, context, {
      action: 'database.create',
      resourceType: 'database',
      resourceId: database.id,
      operationId: operation.id,
      after: this.presenter.database(database),
      outcome: 'accepted',
    });
    return { database, operation };
  }

  /** Whether it needs more than a warm home has: that is made by the cold path's steps. */
  private hasExtras({ dto, maxConnections }: NewDatabase): boolean {
    const usual = maxConnections === this.config.databases.defaultMaxConnections;
    return !usual || dto.shadow === true || (dto.extensions?.length ?? 0) > 0;
  }

  private async finish(
    context: RequestContext,
    { database, operation }: Creation,
    password: string,
  ): Promise<Reply<DatabaseWithPasswordDto>> {
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: true,
      resource: async () =>
        this.presenter.databaseWithPassword(await this.reader.getEntity(database.id), password),
      pending: () => this.presenter.credentials(database, password),
    });
  }
}

function oneOf(friendlyName: string, found: readonly DatabaseEntity[]): DatabaseEntity | undefined {
  const [first, ...others] = found.filter((database) => database.status !== 'deleting');
  if (others.length > 0) {
    throw new RowhouseError(
      'AMBIGUOUS_NAME',
      `${found.length} databases are called "${friendlyName}". Use their ids.`,
    );
  }
  return first;
}
