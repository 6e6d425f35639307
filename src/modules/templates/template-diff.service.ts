import { Injectable } from '@nestjs/common';
import { invalidField, notFound } from '../../kernel/errors.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import {
  compareCatalogs,
  type SchemaDifference,
} from '../../provisioning/tenancy/templates/schema-difference.js';
import type { DiffQuery } from './dto/requests.dto.js';
import type { ObjectChangeDto, TemplateDiffDto } from './dto/template-diff.dto.js';
import type { Template } from './template.js';
import { TemplateCatalogs } from './template-catalogs.js';
import { presentVersionWithSql } from './template-presenter.js';
import { TemplateVersionsRepository } from './template-versions.repository.js';
import { TemplatesRepository } from './templates.repository.js';

interface Span {
  readonly from: number;
  readonly to: number;
}

/** How versions of a template differ. */
@Injectable()
export class TemplateDiffService {
  constructor(
    private readonly servers: ServerRegistry,
    private readonly templates: TemplatesRepository,
    private readonly versions: TemplateVersionsRepository,
    private readonly catalogs: TemplateCatalogs,
  ) {}

  async diff(templateId: string, query: DiffQuery): Promise<TemplateDiffDto> {
    const template = await this.templates.find(templateId);
    if (!template) throw notFound('template', templateId);
    const { from, to } = spanOf(template, query);
    const server = this.servers.default();
    const before = await this.catalogs.read(server, templateId, from);
    const after = await this.catalogs.read(server, templateId, to);
    const between = await this.versions.list(templateId, to + 1, to - from);
    return {
      from,
      to,
      versions: between
        .slice(0, to - from)
        .reverse()
        .map(presentVersionWithSql),
      objects: compareCatalogs(before.objects, after.objects).map(toChange),
    };
  }
}

function spanOf({ name, latestVersion }: Template, query: DiffQuery): Span {
  const to = query.to ?? latestVersion;
  if (to === 0 || to > latestVersion)
    throw invalidField('to', `must be a version of "${name}", whose newest is ${latestVersion}`);
  const from = query.from ?? to - 1;
  if (from >= to) throw invalidField('from', `must be before ${to}`);
  return { from, to };
}

const KINDS = { missing: 'removed', unexpected: 'added', changed: 'changed' } as const;

function toChange({ object, kind, expected, actual }: SchemaDifference): ObjectChangeDto {
  return { object, kind: KINDS[kind], before: expected, after: actual };
}
