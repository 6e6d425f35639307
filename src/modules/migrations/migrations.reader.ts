import { Injectable, StreamableFile } from '@nestjs/common';
import { streamEvents } from '../../http/event-stream.js';
import { decodeCursor, invalidCursor, parseCursor, toPage } from '../../http/pagination.js';
import { Page } from '../../http/reply.js';
import { Clock } from '../../kernel/clock.js';
import { notFound } from '../../kernel/errors.js';
import type { ListMigrationsQuery, ListMigrationTenantsQuery } from './dto/list-migrations.query.js';
import type { MigrationDto } from './dto/migration.dto.js';
import type { MigrationTenantDto } from './dto/migration-tenant.dto.js';
import { type Migration, NO_TENANTS } from './migration.js';
import { toMigrationDto, toMigrationTenantDto } from './migration-presenter.js';
import { MigrationTenantsRepository } from './migration-tenants.repository.js';
import { MigrationWatcher } from './migration-watcher.js';
import { MigrationsRepository } from './migrations.repository.js';

/** Migrations as the API shows them. */
@Injectable()
export class MigrationsReader {
  constructor(
    private readonly migrations: MigrationsRepository,
    private readonly tenants: MigrationTenantsRepository,
    private readonly watcher: MigrationWatcher,
    private readonly clock: Clock,
  ) {}

  async get(id: string): Promise<MigrationDto> {
    const migration = await this.getRow(id);
    return toMigrationDto(migration, await this.tenants.totals(id), this.clock.now());
  }

  async list({ cursor, ...filter }: ListMigrationsQuery): Promise<Page<MigrationDto>> {
    const migrations = await this.migrations.list(filter, decodeCursor(cursor));
    const totals = await this.tenants.totalsOf(migrations.map(({ id }) => id));
    return toPage(migrations, filter.limit, (migration) =>
      toMigrationDto(migration, totals.get(migration.id) ?? NO_TENANTS, this.clock.now()),
    );
  }

  async listTenants(
    id: string,
    { cursor, state, limit }: ListMigrationTenantsQuery,
  ): Promise<Page<MigrationTenantDto>> {
    await this.getRow(id);
    const rows = await this.tenants.list(id, { state, after: decodePosition(cursor), limit });
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return new Page(items.map(toMigrationTenantDto), last ? encodePosition(last.position) : null);
  }

  async follow(id: string): Promise<StreamableFile> {
    await this.getRow(id);
    const stream = streamEvents((signal) => this.watcher.watch(() => this.get(id), signal));
    return new StreamableFile(stream, { type: 'text/event-stream' });
  }

  private async getRow(id: string): Promise<Migration> {
    const migration = await this.migrations.find(id);
    if (!migration) throw notFound('migration', id);
    return migration;
  }
}

function encodePosition(position: number): string {
  return Buffer.from(JSON.stringify([position])).toString('base64url');
}

/** 0 for the first page. Throws INVALID_CURSOR. */
function decodePosition(text: string | undefined): number {
  if (text === undefined) return 0;
  const parts = parseCursor(text);
  const position: unknown = Array.isArray(parts) && parts.length === 1 ? parts[0] : null;
  if (typeof position !== 'number' || !Number.isInteger(position) || Math.abs(position) > 2 ** 31 - 1)
    throw invalidCursor();
  return position;
}
