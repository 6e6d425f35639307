import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { decodeCursor, toPage } from '../../http/pagination.js';
import { type Page, Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { notFound, RowhouseError, taken } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { CreateTemplateDto, ListTemplatesQuery, PatchTemplateDto } from './dto/requests.dto.js';
import type { DeletedTemplateDto, TemplateDto } from './dto/template.dto.js';
import type { Template, TemplateStatus } from './template.js';
import { presentDeleted, presentTemplate } from './template-presenter.js';
import { TemplateVersionsService } from './template-versions.service.js';
import { TemplatesRepository } from './templates.repository.js';
import { hasVersion } from './version-draft.js';

/** Brings templates into being and out of it; nothing here touches a tenant. */
@Injectable()
export class TemplatesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly templates: TemplatesRepository,
    private readonly versions: TemplateVersionsService,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** With its first version, if the request brings one. */
  async create(context: RequestContext, dto: CreateTemplateDto): Promise<Reply<TemplateDto>> {
    const taken = await this.templates.findByName(dto.name);
    if (taken) throw nameTaken(dto.name);
    const { name, description = '', files, sql, transaction } = dto;
    const first = hasVersion(dto) ? await this.versions.check({ files, sql, transaction }, null) : null;
    const at = this.clock.now();
    const template: Template = {
      id: newId(),
      name,
      description,
      status: 'active',
      latestVersion: 0,
      extensions: [],
      createdAt: at,
      updatedAt: at,
    };
    await this.dataSource.transaction(async (tx) => {
      await this.templates.insert(tx, template).catch((error: unknown) => {
        throw sqlState(error) === SQLSTATE.uniqueViolation ? nameTaken(name) : error;
      });
      await this.record(tx, context, { verb: 'create', after: template });
      if (first) await this.versions.insert(tx, context, { template, version: first });
    });
    return new Reply(201, await this.get(template.id));
  }

  async list(query: ListTemplatesQuery): Promise<Page<TemplateDto>> {
    const rows = await this.templates.list(query, decodeCursor(query.cursor));
    const uses = await this.templates.uses(rows.map(({ id }) => id));
    return toPage(rows, query.limit, (template) => presentTemplate(template, uses));
  }

  async get(id: string): Promise<TemplateDto> {
    const template = await this.templates.find(id);
    if (!template) throw notFound('template', id);
    return presentTemplate(template, await this.templates.uses([id]));
  }

  async patch(context: RequestContext, id: string, dto: PatchTemplateDto): Promise<TemplateDto> {
    return this.change(context, id, (template) => ({
      verb: 'update',
      after: { ...template, description: dto.description ?? template.description },
    }));
  }

  /** Neither new tenants nor new versions; what is there stays. */
  retire(context: RequestContext, id: string): Promise<TemplateDto> {
    return this.moveTo(context, id, { verb: 'retire', status: 'retired' });
  }

  activate(context: RequestContext, id: string): Promise<TemplateDto> {
    return this.moveTo(context, id, { verb: 'activate', status: 'active' });
  }

  /** Only one that no tenant carries. */
  async delete(context: RequestContext, id: string): Promise<DeletedTemplateDto> {
    return this.dataSource.transaction(async (tx) => {
      const template = await this.templates.findLocked(tx, id);
      if (!template) throw notFound('template', id);
      const tenants = await this.templates.countTenants(tx, id);
      if (tenants > 0)
        throw stillUsed(template, `${tenants} tenant${tenants === 1 ? ' carries' : 's carry'} it`);
      await this.templates.delete(tx, id).catch((error: unknown) => {
        throw sqlState(error) === SQLSTATE.foreignKeyViolation ? stillUsed(template, usesOf(error)) : error;
      });
      await this.record(tx, context, { verb: 'delete', before: template });
      return presentDeleted(template);
    });
  }

  private moveTo(
    context: RequestContext,
    id: string,
    { verb, status }: { verb: string; status: TemplateStatus },
  ): Promise<TemplateDto> {
    return this.change(context, id, (template) => {
      if (template.status === status)
        throw new RowhouseError('CONFLICT', `The template "${template.name}" is ${status} already.`);
      return { verb, after: { ...template, status } };
    });
  }

  private async change(
    context: RequestContext,
    id: string,
    decide: (template: Template) => { verb: string; after: Template },
  ): Promise<TemplateDto> {
    await this.dataSource.transaction(async (tx) => {
      const before = await this.templates.findLocked(tx, id);
      if (!before) throw notFound('template', id);
      const { verb, after } = decide(before);
      await this.templates.update(tx, { ...after, updatedAt: this.clock.now() });
      await this.record(tx, context, { verb, before, after });
    });
    return this.get(id);
  }

  private async record(
    tx: EntityManager,
    context: RequestContext,
    { verb, before, after }: { verb: string; before?: Template; after?: Template },
  ): Promise<void> {
    await this.audit.record(tx, context, {
      action: `template.${verb}`,
      resourceType: 'template',
      resourceId: (after ?? before)?.id ?? null,
      before: before && auditTemplate(before),
      after: after && auditTemplate(after),
      outcome: 'succeeded',
    });
  }
}

function auditTemplate({ name, description, status, latestVersion }: Template): object {
  return { name, description, status, latest_version: latestVersion };
}

function nameTaken(name: string): RowhouseError {
  return taken('name', `There is a template called "${name}" already.`);
}

function stillUsed({ name }: Template, reason: string): RowhouseError {
  return new RowhouseError(
    'CONFLICT',
    `The template "${name}" cannot be deleted: ${reason}. Retire it, so that no new tenant gets it.`,
  );
}

/** What else refers to templates; schemas in stock go by themselves once it is retired. */
const USERS: Readonly<Record<string, string>> = {
  migrations: 'migrations of it are on record',
  partition_policies: 'a partition policy is for its tables',
  tenants: 'a tenant carries it',
  warm_schemas: 'schemas of it are in stock',
};

function usesOf(error: unknown): string {
  const { driverError } = error as { driverError?: { table?: string } };
  return USERS[driverError?.table ?? ''] ?? 'it is still in use';
}
