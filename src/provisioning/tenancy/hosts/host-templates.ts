import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ClientBase } from 'pg';
import type { ManagedServer } from '../../managed-server.js';
import { TemplateStore } from '../templates/template-store.js';
import { HostExtensions, type TemplateAt } from './host-extensions.js';

const KNOWN = `SELECT coalesce(max(version), 0) AS version FROM shared.template_versions WHERE template_id = $1`;

const INSERT_FILES = `
  INSERT INTO shared.template_files (template_id, template_name, version, position, name, kind, sql)
  SELECT $1, $2, f.version, f.position, f.name, f.kind, f.sql
  FROM jsonb_to_recordset($3::jsonb) AS f (version int, position int, name text, kind text, sql text)
  ON CONFLICT DO NOTHING`;

const INSERT_VERSIONS = `
  INSERT INTO shared.template_versions (template_id, version, checksum)
  SELECT $1, v.version, v.checksum FROM jsonb_to_recordset($2::jsonb) AS v (version int, checksum text)
  ON CONFLICT DO NOTHING`;

/** Copies of templates in hosting databases, from which the functions in `shared` make tenants, and what these need there. */
@Injectable()
export class HostTemplates {
  /** For each host and template the newest version that was seen there. */
  private readonly copied = new LRUCache<string, number>({ max: 10_000, ttl: 600_000 });

  constructor(
    private readonly templates: TemplateStore,
    private readonly extensions: HostExtensions,
  ) {}

  /** Brings the host's copy up to a version, with the extensions that it needs. `client`: a session in the host. */
  async ensure(
    client: ClientBase,
    host: { readonly server: ManagedServer; readonly databaseName: string },
    { templateId, version }: TemplateAt,
  ): Promise<void> {
    await this.extensions.ensure(client, host, { templateId, version });
    const key = `${host.server.id}/${host.databaseName}/${templateId}`;
    if ((this.copied.get(key) ?? 0) >= version) return;
    await this.copy(client, templateId, version);
    this.copied.set(key, version);
  }

  private async copy(client: ClientBase, templateId: string, last: number): Promise<void> {
    const { rows } = await client.query<{ version: number }>(KNOWN, [templateId]);
    const first = (rows[0]?.version ?? 0) + 1;
    if (first > last) return;
    const template = await this.templates.get(templateId);
    const versions = await this.templates.versions(templateId, { first, last });
    const files = versions.flatMap(({ number, freshFiles }) =>
      freshFiles.map((file, position) => ({ ...file, version: number, position })),
    );
    const checksums = versions.map(({ number, checksum }) => ({ version: number, checksum }));
    await client.query('BEGIN');
    await client.query(INSERT_FILES, [templateId, template.name, JSON.stringify(files)]);
    await client.query(INSERT_VERSIONS, [templateId, JSON.stringify(checksums)]);
    await client.query('COMMIT');
  }
}
