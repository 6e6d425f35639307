import { Injectable } from '@nestjs/common';
import { invalidField } from '../../kernel/errors.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { readCatalog } from '../../provisioning/tenancy/partitions/partition-catalog.js';
import { ScratchDatabase } from '../../provisioning/tenancy/templates/scratch-database.js';
import { TemplateStore } from '../../provisioning/tenancy/templates/template-store.js';

/** Whether a template's tenants have a table that a policy can look after, seen in a fresh schema. */
@Injectable()
export class PartitionTableCheck {
  constructor(
    private readonly templates: TemplateStore,
    private readonly servers: ServerRegistry,
    private readonly scratch: ScratchDatabase,
  ) {}

  /** Throws VALIDATION_FAILED on the field `table`. A template without a version is believed. */
  async assertPartitioned(templateId: string, table: string): Promise<void> {
    const { latestVersion, name } = await this.templates.get(templateId);
    if (latestVersion === 0) return;
    const versions = await this.templates.versions(templateId, { last: latestVersion });
    await this.scratch.withFreshSchema(this.servers.default(), versions, async (client, { value }) => {
      const found = (await readCatalog(client, { schemas: [value], table, names: [] })).get(value);
      if (!found || !('message' in found)) return;
      const what = found.message.replaceAll(`"${value}".`, '');
      throw invalidField('table', `cannot be kept in version ${latestVersion} of "${name}": ${what}`);
    });
  }
}
