import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { connectionStrings, formatConnection } from './connection-strings.js';
import type { DatabaseEntity } from './database.entity.js';
import { DatabasePresenter } from './database-presenter.js';
import { DatabasesRepository } from './databases.repository.js';
import type { DatabaseConnectionDto, DatabaseDto } from './dto/database.dto.js';
import type { ListDatabasesQuery } from './dto/list-databases.query.js';
import type { ConnectionStringsQuery } from './dto/requests.dto.js';
import { decodeListCursor, encodeListCursor } from './list-cursor.js';

/** Everything that only looks. */
@Injectable()
export class DatabasesReader {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: DatabasesRepository,
    private readonly presenter: DatabasePresenter,
    private readonly credentials: HomeCredentials,
    private readonly audit: AuditLog,
  ) {}

  async getEntity(id: string): Promise<DatabaseEntity> {
    const database = await this.repository.find(id);
    if (!database) throw notFound('database', id);
    return database;
  }

  async get(id: string): Promise<DatabaseDto> {
    return this.presenter.database(await this.getEntity(id));
  }

  async list(query: ListDatabasesQuery): Promise<Page<DatabaseDto>> {
    const rows = await this.repository.list(query, decodeListCursor(query.sort, query.cursor));
    const items = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? items.at(-1) : undefined;
    return new Page(
      items.map((database) => this.presenter.database(database)),
      last ? encodeListCursor(query.sort, last) : null,
    );
  }

  /** Masked, or whole for a key with the scope `credentials:read`; whoever looks leaves an audit row. */
  async connectionStrings(
    context: RequestContext,
    id: string,
    { reveal, format }: ConnectionStringsQuery,
  ): Promise<DatabaseConnectionDto> {
    if (reveal && !grants(context.principal.scopes, 'credentials:read')) {
      throw new RowhouseError('INSUFFICIENT_SCOPE', 'Showing a password needs the scope credentials:read.');
    }
    const database = await this.getEntity(id);
    const password = reveal
      ? this.credentials.get(database.databaseName, database.passwordCiphertext)
      : undefined;
    if (reveal) await this.recordReveal(context, database);
    const target = this.presenter.target(database, password);
    return {
      ...connectionStrings(target),
      revealed: reveal,
      shadow_exists: database.shadowCreatedAt !== null,
      ...(format && { format, formatted: formatConnection(target, format) }),
    };
  }

  private async recordReveal(context: RequestContext, { id }: DatabaseEntity): Promise<void> {
    await this.audit.record(this.dataSource.manager, context, {
      action: 'database.reveal_credentials',
      resourceType: 'database',
      resourceId: id,
      outcome: 'succeeded',
    });
  }
}
