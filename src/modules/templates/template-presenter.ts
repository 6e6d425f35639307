import type { DeletedTemplateDto, TemplateDto } from './dto/template.dto.js';
import type { TemplateVersionDto, TemplateVersionWithSqlDto } from './dto/template-version.dto.js';
import type { StoredVersion, Template, VersionUse } from './template.js';

export function presentTemplate(template: Template, uses: readonly VersionUse[]): TemplateDto {
  const own = uses.filter(({ templateId }) => templateId === template.id);
  return {
    id: template.id,
    name: template.name,
    description: template.description,
    status: template.status,
    latest_version: template.latestVersion,
    extensions: template.extensions && [...template.extensions],
    tenants: own.reduce((sum, { tenants }) => sum + tenants, 0),
    tenants_by_version: own.map(({ version, tenants }) => ({ version, tenants })),
    created_at: template.createdAt.toISOString(),
    updated_at: template.updatedAt.toISOString(),
  };
}

export function presentDeleted({ id, name }: Template): DeletedTemplateDto {
  return { id, name, status: 'deleted' };
}

export function presentVersion(version: StoredVersion): TemplateVersionDto {
  const { files, ...head } = presentVersionWithSql(version);
  return { ...head, files: files.map(({ name, kind, bytes }) => ({ name, kind, bytes })) };
}

export function presentVersionWithSql(version: StoredVersion): TemplateVersionWithSqlDto {
  return {
    template_id: version.templateId,
    number: version.number,
    checksum: version.checksum,
    description: version.description,
    transactional: version.transactional,
    extensions: version.extensions && [...version.extensions],
    created_by: version.createdBy,
    created_at: version.createdAt.toISOString(),
    files: version.files.map(({ name, kind, sql }) => ({ name, kind, bytes: Buffer.byteLength(sql), sql })),
  };
}

/** For the audit trail: what a version is, without its SQL. */
export function auditVersion(version: StoredVersion): object {
  const { number, checksum, description, transactional, extensions } = version;
  return {
    number,
    checksum,
    description,
    transactional,
    extensions,
    files: version.files.map(({ name }) => name),
  };
}
