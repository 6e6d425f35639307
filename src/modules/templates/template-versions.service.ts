import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { invalidCursor, type ListQuery, parseCursor } from '../../http/pagination.js';
import { Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Clock } from '../../kernel/clock.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { TemplateStore } from '../../provisioning/tenancy/templates/template-store.js';
import type { TriedVersion } from './checked-version.js';
import type { AddVersionDto } from './dto/requests.dto.js';
import type { TemplateVersionDto, TemplateVersionWithSqlDto } from './dto/template-version.dto.js';
import type { StoredVersion, Template } from './template.js';
import { auditVersion, presentVersion, presentVersionWithSql } from './template-presenter.js';
import { TemplateVersionsRepository } from './template-versions.repository.js';
import { TemplatesRepository } from './templates.repository.js';
import { VersionTrial } from './trial/version-trial.js';
import { draftOf, type VersionRequest } from './version-draft.js';
import { VersionReader } from './version-reader.js';

/** Versions of templates. One that was added never changes, so what tenants have is always known. */
@Injectable()
export class TemplateVersionsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly templates: TemplatesRepository,
    private readonly versions: TemplateVersionsRepository,
    private readonly store: TemplateStore,
    private readonly reader: VersionReader,
    private readonly trial: VersionTrial,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Everything that can be wrong with it shows before the control transaction, which only takes the number. */
  async add(
    context: RequestContext,
    templateId: string,
    dto: AddVersionDto,
  ): Promise<Reply<TemplateVersionWithSqlDto>> {
    const template = await this.getTemplate(templateId);
    assertOpen(template);
    const version = await this.check(dto, template);
    const stored = await this.dataSource.transaction(async (tx) => {
      const locked = await this.templates.findLocked(tx, templateId);
      if (!locked) throw notFound('template', templateId);
      assertOpen(locked);
      assertNext(locked, template.latestVersion);
      return this.insert(tx, context, { template: locked, version });
    });
    return new Reply(201, presentVersionWithSql(stored));
  }

  /** Reads a version and tries it, after those that the template has. Throws what is wrong with it. */
  async check(
    request: VersionRequest,
    template: Pick<Template, 'id' | 'latestVersion'> | null,
  ): Promise<TriedVersion> {
    const version = await this.reader.read(draftOf(request));
    const former = template ? await this.store.versions(template.id, { last: template.latestVersion }) : [];
    const latest = former.at(-1);
    if (latest?.checksum === version.checksum) {
      throw new RowhouseError('CONFLICT', `Version ${latest.number} is just the same already.`);
    }
    return { ...version, extensions: await this.trial.run(version, former) };
  }

  /** In the caller's transaction, which holds the template's row or has just made it. */
  async insert(
    tx: EntityManager,
    context: RequestContext,
    { template, version }: { template: Template; version: TriedVersion },
  ): Promise<StoredVersion> {
    const stored: StoredVersion = {
      templateId: template.id,
      number: template.latestVersion + 1,
      checksum: version.checksum,
      description: version.description,
      transactional: version.transactional,
      files: version.files.map(({ name, kind, sql }) => ({ name, kind, sql })),
      freshFiles: version.freshFiles,
      statements: version.statements,
      extensions: version.extensions,
      createdBy: context.principal.id,
      createdAt: this.clock.now(),
    };
    await this.versions.insert(tx, stored);
    await this.templates.update(tx, {
      ...template,
      latestVersion: stored.number,
      updatedAt: stored.createdAt,
    });
    await this.audit.record(tx, context, {
      action: 'template.add_version',
      resourceType: 'template',
      resourceId: template.id,
      after: auditVersion(stored),
      outcome: 'succeeded',
    });
    return stored;
  }

  async list(templateId: string, { limit, cursor }: ListQuery): Promise<Page<TemplateVersionDto>> {
    await this.getTemplate(templateId);
    const rows = await this.versions.list(templateId, decodeNumber(cursor), limit);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return new Page(items.map(presentVersion), last ? encodeNumber(last.number) : null);
  }

  async get(templateId: string, number: number): Promise<TemplateVersionWithSqlDto> {
    await this.getTemplate(templateId);
    const version = await this.versions.find(templateId, number);
    if (!version) throw new RowhouseError('NOT_FOUND', `The template has no version ${number}.`);
    return presentVersionWithSql(version);
  }

  private async getTemplate(id: string): Promise<Template> {
    const template = await this.templates.find(id);
    if (!template) throw notFound('template', id);
    return template;
  }
}

function assertOpen({ name, status }: Template): void {
  if (status === 'active') return;
  throw new RowhouseError('CONFLICT', `The template "${name}" is retired; activate it to add versions.`);
}

/** It was tried after another version than the one that it would follow now. */
function assertNext({ latestVersion }: Template, triedAfter: number): void {
  if (latestVersion === triedAfter) return;
  throw new RowhouseError(
    'RESOURCE_BUSY',
    `Version ${latestVersion} was added meanwhile; look at it, and send yours again if it still fits.`,
  );
}

function encodeNumber(number: number): string {
  return Buffer.from(JSON.stringify([number])).toString('base64url');
}

/** Null for the first page. Throws INVALID_CURSOR. */
function decodeNumber(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  const parts = parseCursor(cursor);
  const [number] = Array.isArray(parts) && parts.length === 1 ? (parts as unknown[]) : [];
  if (typeof number === 'number' && Number.isInteger(number) && number > 0 && number < 2 ** 31) return number;
  throw invalidCursor();
}
