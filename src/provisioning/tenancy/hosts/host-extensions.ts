import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { DataSource } from 'typeorm';
import { FIND_INSTALLED_EXTENSIONS } from '../../../infra/postgres/extension-sql.js';
import { Extensions } from '../../extensions.js';
import type { ManagedServer } from '../../managed-server.js';
import { TemplateExtensions } from '../templates/template-extensions.js';

/** One process after the other: two that install the same at once would fail. */
const LOCK = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
const FIND_OWNER = 'SELECT id, username FROM databases WHERE server_id = $1 AND database_name = $2';
const RECORD = `
  UPDATE databases SET extensions = ARRAY(SELECT unnest(extensions) UNION SELECT unnest($2::text[]) ORDER BY 1)
  WHERE id = $1 AND NOT extensions @> $2`;

export interface TemplateAt {
  readonly templateId: string;
  readonly version: number;
}

/** Gives databases the extensions of the templates whose tenants they hold. */
@Injectable()
export class HostExtensions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly templates: TemplateExtensions,
    private readonly extensions: Extensions,
  ) {}

  /** `client`: any session in the database. Throws CONFLICT where what its owner has made there is in the way. */
  async ensure(
    client: ClientBase,
    { server, databaseName }: { readonly server: ManagedServer; readonly databaseName: string },
    { templateId, version }: TemplateAt,
  ): Promise<void> {
    const needed = await this.templates.get(server, templateId, version);
    if (needed.length === 0) return;
    const { rows } = await client.query<{ name: string }>(FIND_INSTALLED_EXTENSIONS);
    const installed = new Set(rows.map(({ name }) => name));
    if (needed.every((name) => installed.has(name))) return;
    await this.install(server, databaseName, needed);
  }

  private install(server: ManagedServer, databaseName: string, extensions: readonly string[]): Promise<void> {
    return this.dataSource.transaction(async (tx) => {
      await tx.query(LOCK, [`extensions ${server.id} ${databaseName}`]);
      const [owner]: { id: string; username: string }[] = await tx.query(FIND_OWNER, [
        server.id,
        databaseName,
      ]);
      if (!owner) return;
      await this.extensions.ensure(
        server,
        { extensions: [...extensions], username: owner.username },
        databaseName,
      );
      await tx.query(RECORD, [owner.id, extensions]);
    });
  }
}
