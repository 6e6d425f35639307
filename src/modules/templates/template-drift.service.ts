import { Injectable, Logger } from '@nestjs/common';
import { isUnavailable, SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { isLostOwnership, LOST_OWNERSHIP } from '../../provisioning/tenancy/hosts/lost-ownership.js';
import { TenantDirectory } from '../../provisioning/tenancy/schemas/tenant-directory.js';
import type { TenantHome } from '../../provisioning/tenancy/schemas/tenant-home.js';
import {
  DriftReader,
  type ExpectedCatalog,
  type HostDrift,
} from '../../provisioning/tenancy/templates/drift-reader.js';
import type { SchemaDifference } from '../../provisioning/tenancy/templates/schema-difference.js';
import type {
  DifferenceDto,
  DriftReportDto,
  TenantDriftDto,
  UncheckedHostDto,
} from './dto/drift-report.dto.js';
import type { DriftQuery } from './dto/requests.dto.js';
import { TemplateCatalogs } from './template-catalogs.js';
import { TemplatesRepository } from './templates.repository.js';

const HOSTS_AT_ONCE = 4;
const MAX_DIFFERENCES = 100;
const MAX_DEFINITION = 1_000;

interface Host {
  readonly serverId: string;
  readonly databaseName: string;
  readonly tenants: readonly TenantHome[];
}

/** What one hosting database showed, or why it showed nothing. */
type Outcome = { readonly host: Host } & ({ readonly drift: HostDrift } | { readonly reason: string });

/** Compares tenants with their template, as things stand on the servers. */
@Injectable()
export class TemplateDriftService {
  private readonly logger = new Logger(TemplateDriftService.name);

  constructor(
    private readonly templates: TemplatesRepository,
    private readonly directory: TenantDirectory,
    private readonly servers: ServerRegistry,
    private readonly catalogs: TemplateCatalogs,
    private readonly reader: DriftReader,
  ) {}

  async report(templateId: string, { version, limit }: DriftQuery): Promise<DriftReportDto> {
    if (!(await this.templates.find(templateId))) throw notFound('template', templateId);
    const settled = await this.directory.list({ templateId, statuses: ['active', 'suspended'] });
    const tenants = settled.filter(
      ({ templateVersion }) => version === undefined || templateVersion === version,
    );
    const hosts = hostsOf(tenants);
    const expected = await this.expectedOf(templateId, tenants);
    const outcomes: Outcome[] = [];
    for (let at = 0; at < hosts.length; at += HOSTS_AT_ONCE) {
      const part = hosts.slice(at, at + HOSTS_AT_ONCE);
      const looks = part.map((host) => this.look(host, expected, { templateId, limit }));
      outcomes.push(...(await Promise.all(looks)));
    }
    return renderReport(tenants, outcomes, limit);
  }

  /** By server and version. */
  private async expectedOf(
    templateId: string,
    tenants: readonly TenantHome[],
  ): Promise<Map<string, ExpectedCatalog>> {
    const expected = new Map<string, ExpectedCatalog>();
    for (const tenant of tenants) {
      const key = versionKey(tenant);
      if (expected.has(key)) continue;
      const server = this.servers.get(tenant.serverId);
      expected.set(key, await this.catalogs.read(server, templateId, tenant.templateVersion));
    }
    return expected;
  }

  /** A host that cannot be read does not keep the others from being read. */
  private async look(
    host: Host,
    expected: ReadonlyMap<string, ExpectedCatalog>,
    scope: { readonly templateId: string; readonly limit: number },
  ): Promise<Outcome> {
    const schemas = host.tenants.flatMap((tenant) => {
      const catalog = expected.get(versionKey(tenant));
      const role = tenant.isolation === 'schema' ? tenant.username : null;
      return catalog
        ? [
            {
              schema: tenant.schemaName,
              oid: tenant.schemaOid,
              role,
              version: tenant.templateVersion,
              catalog,
            },
          ]
        : [];
    });
    try {
      const server = this.servers.get(host.serverId);
      return { host, drift: await this.reader.read(server, host.databaseName, { schemas, ...scope }) };
    } catch (error) {
      this.logger.warn(`The schemas in ${host.databaseName} could not be compared`, error);
      return { host, reason: reasonOf(error) };
    }
  }
}

function versionKey({ serverId, templateVersion }: TenantHome): string {
  return `${serverId}/${templateVersion}`;
}

function hostsOf(tenants: readonly TenantHome[]): Host[] {
  const hosts = new Map<string, Host & { tenants: TenantHome[] }>();
  for (const tenant of tenants) {
    const { serverId, databaseName } = tenant;
    const key = `${serverId}/${databaseName}`;
    const host = hosts.get(key) ?? { serverId, databaseName, tenants: [] };
    host.tenants.push(tenant);
    hosts.set(key, host);
  }
  return [...hosts.values()];
}

function renderReport(
  tenants: readonly TenantHome[],
  outcomes: readonly Outcome[],
  limit: number,
): DriftReportDto {
  const unchecked = outcomes.flatMap((outcome) => ('reason' in outcome ? [renderUnchecked(outcome)] : []));
  const read = outcomes.flatMap((outcome) => ('drift' in outcome ? [outcome] : []));
  const drifted = read.reduce((sum, { drift }) => sum + drift.differences.size + drift.more, 0);
  const migrating = read.reduce((sum, { drift }) => sum + drift.migrating, 0);
  const notRead = unchecked.reduce((sum, host) => sum + host.tenants, 0);
  const found = new Map(
    read.flatMap(({ host, drift }) => host.tenants.map((tenant) => [tenant.id, drift] as const)),
  );
  const named = tenants.flatMap((tenant) => renderTenant(tenant, found.get(tenant.id)));
  return {
    summary: {
      tenants: tenants.length,
      matching: tenants.length - drifted - migrating - notRead,
      drifted,
      migrating,
      unchecked: notRead,
    },
    tenants: named.slice(0, limit),
    unchecked_hosts: unchecked,
  };
}

function renderTenant(tenant: TenantHome, drift: HostDrift | undefined): TenantDriftDto[] {
  const differences = drift?.differences.get(tenant.schemaName);
  if (!differences) return [];
  return [
    {
      tenant_id: tenant.id,
      slug: tenant.slug,
      database_name: tenant.databaseName,
      schema: tenant.schemaName,
      version: tenant.templateVersion,
      difference_count: differences.length,
      differences: differences.slice(0, MAX_DIFFERENCES).map(renderDifference),
    },
  ];
}

function renderDifference({ object, kind, expected, actual }: SchemaDifference): DifferenceDto {
  return { object, kind, expected: cut(expected), actual: cut(actual) };
}

function cut(definition: string | null): string | null {
  if (definition === null || definition.length <= MAX_DEFINITION) return definition;
  return `${definition.slice(0, MAX_DEFINITION)}…`;
}

function renderUnchecked({ host, reason }: { host: Host; reason: string }): UncheckedHostDto {
  return { database_name: host.databaseName, tenants: host.tenants.length, reason };
}

function reasonOf(error: unknown): string {
  if (sqlState(error) === SQLSTATE.tooManyConnections) return 'All connections of the server are in use.';
  if (isUnavailable(error)) return 'The database does not answer.';
  if (sqlState(error) === SQLSTATE.invalidCatalogName) return 'There is no such database on the server.';
  if (error instanceof RowhouseError) return error.detail;
  if (isLostOwnership(error)) return `${(error as Error).message}. ${LOST_OWNERSHIP}`;
  return sqlState(error) ? (error as Error).message : 'It could not be read; the log has the details.';
}
