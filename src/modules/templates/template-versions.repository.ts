import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { StoredVersion } from './template.js';

const COLUMNS = `template_id AS "templateId", number, checksum, description, transactional, files,
  fresh_files AS "freshFiles", statements, extensions, created_by AS "createdBy", created_at AS "createdAt"`;

const LIST = `SELECT ${COLUMNS} FROM template_versions
  WHERE template_id = $1 AND ($2::integer IS NULL OR number < $2) ORDER BY number DESC LIMIT $3`;

const INSERT = `
  INSERT INTO template_versions (template_id, number, checksum, description, transactional, files, fresh_files,
                                 statements, extensions, created_by, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`;

/** Only SQL. A version that was added never changes. */
@Injectable()
export class TemplateVersionsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(templateId: string, number: number): Promise<StoredVersion | null> {
    const [row]: StoredVersion[] = await this.dataSource.query(
      `SELECT ${COLUMNS} FROM template_versions WHERE template_id = $1 AND number = $2`,
      [templateId, number],
    );
    return row ?? null;
  }

  /** Newest first, below `before`, one more than the page holds. */
  list(templateId: string, before: number | null, limit: number): Promise<StoredVersion[]> {
    return this.dataSource.query(LIST, [templateId, before, limit + 1]);
  }

  async insert(tx: EntityManager, version: StoredVersion): Promise<void> {
    await tx.query(INSERT, [
      version.templateId,
      version.number,
      version.checksum,
      version.description,
      version.transactional,
      JSON.stringify(version.files),
      JSON.stringify(version.freshFiles),
      JSON.stringify(version.statements),
      version.extensions,
      version.createdBy,
      version.createdAt,
    ]);
  }
}
