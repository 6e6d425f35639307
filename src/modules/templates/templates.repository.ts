import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Cursor } from '../../http/pagination.js';
import type { Template, TemplateStatus, VersionUse } from './template.js';

const COLUMNS = `id, name, description, status, latest_version AS "latestVersion", created_at AS "createdAt",
  updated_at AS "updatedAt",
  CASE latest_version WHEN 0 THEN '{}' ELSE (
    SELECT v.extensions FROM template_versions v WHERE v.template_id = templates.id AND v.number = latest_version
  ) END AS extensions`;

const LIST = `SELECT ${COLUMNS} FROM templates
  WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR name = $2)
    AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
  ORDER BY created_at DESC, id DESC LIMIT $5`;

const INSERT = `
  INSERT INTO templates (id, name, description, status, latest_version, created_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const USES = `
  SELECT template_id AS "templateId", template_version AS version, count(*)::integer AS tenants
  FROM tenants WHERE template_id = ANY ($1::uuid[])
  GROUP BY 1, 2 ORDER BY 1, 2`;

export interface TemplateFilter {
  readonly status?: TemplateStatus;
  readonly name?: string;
  readonly limit: number;
}

/** Only SQL: what may happen is decided in the services. */
@Injectable()
export class TemplatesRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string): Promise<Template | null> {
    const [row]: Template[] = await this.dataSource.query(`SELECT ${COLUMNS} FROM templates WHERE id = $1`, [
      id,
    ]);
    return row ?? null;
  }

  async findByName(name: string): Promise<Template | null> {
    const [row]: Template[] = await this.dataSource.query(
      `SELECT ${COLUMNS} FROM templates WHERE name = $1`,
      [name],
    );
    return row ?? null;
  }

  /** Locks the row until the transaction ends, so that two requests decide one after the other. */
  async findLocked(tx: EntityManager, id: string): Promise<Template | null> {
    const [row]: Template[] = await tx.query(`SELECT ${COLUMNS} FROM templates WHERE id = $1 FOR UPDATE`, [
      id,
    ]);
    return row ?? null;
  }

  /** Newest first, one more than the page holds. */
  list({ status, name, limit }: TemplateFilter, after: Cursor | null): Promise<Template[]> {
    return this.dataSource.query(LIST, [
      status ?? null,
      name ?? null,
      after?.createdAt ?? null,
      after?.id ?? null,
      limit + 1,
    ]);
  }

  /** How many tenants of the templates have which version. */
  uses(templateIds: readonly string[]): Promise<VersionUse[]> {
    return this.dataSource.query(USES, [templateIds]);
  }

  async countTenants(tx: EntityManager, templateId: string): Promise<number> {
    const [row]: { count: number }[] = await tx.query(
      'SELECT count(*)::integer AS count FROM tenants WHERE template_id = $1',
      [templateId],
    );
    return row?.count ?? 0;
  }

  async insert(tx: EntityManager, template: Template): Promise<void> {
    const { id, name, description, status, latestVersion, createdAt, updatedAt } = template;
    await tx.query(INSERT, [id, name, description, status, latestVersion, createdAt, updatedAt]);
  }

  async update(
    tx: EntityManager,
    { id, description, status, latestVersion, updatedAt }: Template,
  ): Promise<void> {
    await tx.query(
      'UPDATE templates SET description = $2, status = $3, latest_version = $4, updated_at = $5 WHERE id = $1',
      [id, description, status, latestVersion, updatedAt],
    );
  }

  /** With its versions. */
  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.query('DELETE FROM template_versions WHERE template_id = $1', [id]);
    await tx.query('DELETE FROM templates WHERE id = $1', [id]);
  }
}
