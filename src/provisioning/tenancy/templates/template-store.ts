import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { notFound } from '../../../kernel/errors.js';

export interface TemplateFile {
  readonly name: string;
  /** Seeds are left out when a tenant is cloned with its data. */
  readonly kind: 'schema' | 'seed';
  readonly sql: string;
}

/** One statement of a version that cannot run in a transaction. */
export interface OnlineStatement {
  readonly sql: string;
  readonly action: 'create_index' | 'drop_index' | 'other';
  /** The index that it makes or drops, without its schema. */
  readonly index: string | null;
}

export interface TemplateVersion {
  readonly templateId: string;
  readonly number: number;
  /** SHA-256 of the files, hexadecimal. */
  readonly checksum: string;
  readonly transactional: boolean;
  readonly files: readonly TemplateFile[];
  /** What a new schema runs; differs from `files` only where that is not transactional. */
  readonly freshFiles: readonly TemplateFile[];
  /** Empty when transactional. */
  readonly statements: readonly OnlineStatement[];
  /** What a database needs for it and those before it; null where nobody has looked yet. */
  readonly extensions: readonly string[] | null;
}

export interface StoredTemplate {
  readonly id: string;
  readonly name: string;
  readonly status: 'active' | 'retired';
  /** 0 while there is none. */
  readonly latestVersion: number;
}

const FIND = `SELECT id, name, status, latest_version AS "latestVersion" FROM templates WHERE id = $1`;
const LIST = `SELECT id, name, status, latest_version AS "latestVersion" FROM templates ORDER BY created_at, id`;
const VERSIONS = `
  SELECT template_id AS "templateId", number, checksum, transactional, files, fresh_files AS "freshFiles", statements,
         extensions
  FROM template_versions WHERE template_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number`;

/** Reads templates for the work that runs them. */
@Injectable()
export class TemplateStore {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string): Promise<StoredTemplate | null> {
    const [template]: StoredTemplate[] = await this.dataSource.query(FIND, [id]);
    return template ?? null;
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<StoredTemplate> {
    const template = await this.find(id);
    if (!template) throw notFound('template', id);
    return template;
  }

  list(): Promise<StoredTemplate[]> {
    return this.dataSource.query(LIST);
  }

  /** The versions from `first` to `last`, both included, in their order. */
  versions(
    templateId: string,
    { first = 1, last }: { first?: number; last: number },
  ): Promise<TemplateVersion[]> {
    return this.dataSource.query(VERSIONS, [templateId, first, last]);
  }
}
