import { Injectable } from '@nestjs/common';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { TemplateStore } from '../templates/template-store.js';
import { VersionRunner } from '../versions/version-runner.js';
import type { TenantHome } from './tenant-home.js';

const TIMEOUTS = { lockTimeoutMs: 10_000, statementTimeoutMs: 60_000 } as const;

type NewTenant = Pick<
  TenantHome,
  'databaseName' | 'schemaName' | 'schemaOid' | 'templateId' | 'templateVersion'
>;

/** Brings the tables of a tenant that nobody uses yet to a later version of its template. */
@Injectable()
export class TenantCatchUp {
  constructor(
    private readonly connections: HostConnections,
    private readonly templates: TemplateStore,
    private readonly runner: VersionRunner,
  ) {}

  async bring(server: ManagedServer, tenant: NewTenant, to: number, signal: AbortSignal): Promise<void> {
    const { databaseName, schemaName, schemaOid, templateId, templateVersion } = tenant;
    const missing = { first: templateVersion + 1, last: to };
    const versions = templateId === null ? [] : await this.templates.versions(templateId, missing);
    await this.connections.use(server, databaseName, async (client) => {
      for (const version of versions) {
        await this.runner.apply(client, { schemaName, schemaOid, version, ...TIMEOUTS }, signal);
      }
      await this.runner.flush(client);
    });
  }
}
