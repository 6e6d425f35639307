import { Injectable } from '@nestjs/common';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { HostTemplates } from '../hosts/host-templates.js';
import { asRefusal } from './template-refusal.js';
import { kindsOf, renderStages } from './template-stages.js';
import type { TenantHome } from './tenant-home.js';

/** Brings the tables of a tenant that nobody uses yet to a later version of its template, as new ones get it. */
@Injectable()
export class TenantCatchUp {
  constructor(
    private readonly connections: HostConnections,
    private readonly templates: HostTemplates,
  ) {}

  async bring(
    server: ManagedServer,
    { databaseName, schemaName, templateId }: Pick<TenantHome, 'databaseName' | 'schemaName' | 'templateId'>,
    version: number,
  ): Promise<void> {
    if (templateId === null) return;
    await this.connections.use(server, databaseName, async (client) => {
      await this.templates.ensure(client, { server, databaseName }, { templateId, version });
      const stages = { schemaName, templateId, first: 1, last: version, kinds: kindsOf({ seeds: false }) };
      await client.query(renderStages(stages)).catch((error: unknown) => {
        throw asRefusal(error);
      });
    });
  }
}
