import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ClientBase } from 'pg';
import { DataSource } from 'typeorm';
import { SqlParser, SqlSyntaxError } from '../../../infra/sql-parser/sql-parser.js';
import type { SchemaName } from '../../../kernel/identifiers.js';
import { ALLOWED_EXTENSIONS } from '../../extensions.js';
import type { ManagedServer } from '../../managed-server.js';
import { type ExtensionMember, mentionedExtensions } from './extension-mentions.js';
import { FIND_MEMBERS, FIND_USED } from './extension-sql.js';
import { ScratchBuildFailed, ScratchDatabase } from './scratch-database.js';
import { TemplateStore, type TemplateVersion } from './template-store.js';

const FIND = 'SELECT extensions FROM template_versions WHERE template_id = $1 AND number = $2';
const RECORD = `
  UPDATE template_versions SET extensions = $3 WHERE template_id = $1 AND number = $2 AND extensions IS NULL`;

/** Which extensions a database needs before a template runs in it. */
@Injectable()
export class TemplateExtensions {
  /** By template and version, neither of which changes. */
  private readonly known = new LRUCache<string, readonly string[]>({ max: 10_000 });

  constructor(
    private readonly dataSource: DataSource,
    private readonly store: TemplateStore,
    private readonly scratch: ScratchDatabase,
    private readonly parser: SqlParser,
  ) {}

  /** For the versions up to this one. Of versions from before anybody looked it is found out now, and recorded. */
  async get(server: ManagedServer, templateId: string, version: number): Promise<readonly string[]> {
    if (version === 0) return [];
    const key = `${templateId}/${version}`;
    const known = this.known.get(key);
    if (known) return known;
    const [row]: { extensions: string[] | null }[] = await this.dataSource.query(FIND, [templateId, version]);
    const extensions = row?.extensions ?? (await this.findOut(server, templateId, version));
    if (extensions) this.known.set(key, extensions);
    return extensions ?? [];
  }

  /** What a schema that was just made of these versions needs, in a session of its owner. */
  async read(
    client: ClientBase,
    schema: SchemaName,
    versions: readonly Pick<TemplateVersion, 'freshFiles'>[],
  ): Promise<string[]> {
    const used = await client.query<{ name: string }>(FIND_USED, [schema.value, ALLOWED_EXTENSIONS]);
    const members = await client.query<ExtensionMember>(FIND_MEMBERS, [ALLOWED_EXTENSIONS]);
    const names = used.rows.map(({ name }) => name);
    for (const { sql } of versions.flatMap(({ freshFiles }) => freshFiles)) {
      names.push(...mentionedExtensions(await this.parse(sql), members.rows));
    }
    return [...new Set(names)].sort();
  }

  /** Null where the versions do not run: then the tenant that wants them tells why. */
  private async findOut(
    server: ManagedServer,
    templateId: string,
    version: number,
  ): Promise<readonly string[] | null> {
    const versions = await this.store.versions(templateId, { last: version });
    try {
      const extensions = await this.scratch.withFreshSchema(server, versions, (client, schema) =>
        this.read(client, schema, versions),
      );
      await this.dataSource.query(RECORD, [templateId, version, extensions]);
      return extensions;
    } catch (error) {
      if (error instanceof ScratchBuildFailed) return null;
      throw error;
    }
  }

  private async parse(sql: string) {
    try {
      return (await this.parser.parse(sql)).statements;
    } catch (error) {
      if (error instanceof SqlSyntaxError) return [];
      throw error;
    }
  }
}
