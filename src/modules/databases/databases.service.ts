import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import type { RoleSettings } from '../../infra/postgres/role-sql.js';
import { Clock } from '../../kernel/clock.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { WarmDatabase } from '../../provisioning/database-home.js';
import { defaultSettings } from '../../provisioning/default-settings.js';
import { Extensions } from '../../provisioning/extensions.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { freshHomeNames } from '../../provisioning/home-names.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { WarmPool } from '../../provisioning/warm-pool.js';
import type { DatabaseEntity } from './database.entity.js';
import { assertWithinServer } from './database-limits.js';
import { DatabasePresenter } from './database-presenter.js';
import { DatabasesReader } from './databases.reader.js';
import { DatabasesRepository } from './databases.repository.js';
import type { CreateDatabaseDto, EnsureDatabaseDto } from './dto/create-database.dto.js';
import type { DatabaseWithPasswordDto } from './dto/database.dto.js';
import { type HomeInHand, type NewDatabase, newDatabase } from './new-database.js';

export interface Creation {
  readonly database: DatabaseEntity;
  readonly operation: Operation;
  /** In memory only, for the answer. */
  readonly password: string;
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
    private readonly credentials: HomeCredentials,
    private readonly operations: OperationsService,
    private readonly servers: ServerRegistry,
    private readonly extensions: Extensions,
    private readonly warmPool: WarmPool,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  async create(
    context: RequestContext,
    dto: CreateDatabaseDto,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    const request = await this.prepare(dto);
    const creation = await this.dataSource.transaction((tx) => this.begin(tx, context, request));
    return this.finish(context, creation);
  }

  /** Two requests with one name wait for each other; the second finds what the first made. */
  async ensure(
    context: RequestContext,
    friendlyName: string,
    dto: EnsureDatabaseDto,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    const request = await this.prepare({ ...dto, friendlyName });
    const outcome = await this.dataSource.transaction(async (tx) => {
      const found = await this.repository.findByNameLocked(tx, friendlyName);
      return oneOf(friendlyName, found) ?? this.begin(tx, context, request);
    });
    if ('operation' in outcome) return this.finish(context, outcome);
    return this.found(context, outcome);
  }

  /** One that another request is just making is waited for. */
  private async found(
    context: RequestContext,
    database: DatabaseEntity,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    if (database.status !== 'creating') return new Reply(200, this.presenter.database(database));
    const newest = await this.operations.list({ subjectId: database.id, limit: 1 });
    const [creation] = newest.items;
    if (!creation) throw notFound('database', database.id);
    const ended = await this.operations.run(creation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get(database.id) });
  }

  /** Checks what can be checked before anything is written. */
  async prepare(dto: CreateDatabaseDto): Promise<NewDatabase> {
    const server = this.servers.default();
    const settings = settingsOf(dto, defaultSettings(this.config));
    assertWithinServer(server, settings.maxConnections);
    if (dto.extensions?.length) await this.extensions.assertAvailable(server, dto.extensions);
    return { id: newId(), server, dto, settings, at: this.clock.now() };
  }

  /** The row, its operation and its audit row, in the caller's control transaction. */
  async begin(tx: EntityManager, context: RequestContext, request: NewDatabase): Promise<Creation> {
    const warm = await this.warmPool.claim(tx, request.server.id);
    const home = warm ? await this.adopt(warm) : await this.plan();
    const database = newDatabase(request, home);
    await this.repository.insert(tx, database);
    const operation = await this.operations.create(tx, context, {
      kind: warm && !this.hasExtras(request) ? 'database.claim' : 'database.create',
      subjectType: 'database',
      subjectId: database.id,
      input: {
        shadow: request.dto.shadow === true,
        extensions: database.extensions.length > 0,
        hasPassword: database.scramVerifier === warm?.scramVerifier,
      },
    });
    await this.audit.record(tx, context, {
      action: 'database.create',
      resourceType: 'database',
      resourceId: database.id,
      operationId: operation.id,
      after: this.presenter.database(database),
      outcome: 'accepted',
    });
    return { database, operation, password: home.credentials.password };
  }

  /** A warm home with the password that its role has, or with a new one where that cannot be told. */
  private async adopt({ scramVerifier, passwordCiphertext, ...home }: WarmDatabase): Promise<HomeInHand> {
    const password = this.credentials.find(home.databaseName, passwordCiphertext);
    if (password === null || scramVerifier === null) {
      return { ...home, credentials: await this.credentials.generate(home.databaseName) };
    }
    return { ...home, credentials: { password, verifier: scramVerifier, ciphertext: passwordCiphertext } };
  }

  private async plan(): Promise<HomeInHand> {
    const names = freshHomeNames();
    const credentials = await this.credentials.generate(names.databaseName);
    return { ...names, databaseOid: null, roleOid: null, credentials };
  }

  /** Whether it needs more than a warm home has: that is made by the cold path's steps. */
  private hasExtras({ dto, settings }: NewDatabase): boolean {
    const usual = isDeepStrictEqual(settings, defaultSettings(this.config));
    return (
      !usual ||
      typeof dto.externalAccess === 'boolean' ||
      dto.shadow === true ||
      (dto.extensions?.length ?? 0) > 0
    );
  }

  private async finish(
    context: RequestContext,
    { database, operation, password }: Creation,
  ): Promise<OperationReply<DatabaseWithPasswordDto>> {
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: true,
      resource: async () =>
        this.presenter.databaseWithPassword(await this.afterwards(database, ended), password),
      pending: () => ({ credentials: this.presenter.credentials(database, password) }),
    });
  }

  /** A claim changes nothing of the row but its status. */
  private async afterwards(database: DatabaseEntity, { kind }: Operation): Promise<DatabaseEntity> {
    if (kind !== 'database.claim') return this.reader.getEntity(database.id);
    return Object.assign(database, { status: 'active' });
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

function settingsOf(dto: EnsureDatabaseDto, usual: RoleSettings): RoleSettings {
  return {
    maxConnections: dto.maxConnections ?? usual.maxConnections,
    statementTimeoutMs: dto.statementTimeoutMs ?? usual.statementTimeoutMs,
    lockTimeoutMs: dto.lockTimeoutMs ?? usual.lockTimeoutMs,
    idleInTransactionTimeoutMs: dto.idleInTransactionTimeoutMs ?? usual.idleInTransactionTimeoutMs,
  };
}
