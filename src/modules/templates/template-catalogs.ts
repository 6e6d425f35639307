import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import type { ExpectedCatalog } from '../../provisioning/tenancy/templates/drift-reader.js';
import { fingerprintCatalogs, readCatalog } from '../../provisioning/tenancy/templates/schema-catalog.js';
import { ScratchDatabase } from '../../provisioning/tenancy/templates/scratch-database.js';
import { TemplateStore } from '../../provisioning/tenancy/templates/template-store.js';

const EMPTY: ExpectedCatalog = { objects: [], fingerprint: createHash('md5').digest('hex') };

/** What schemas of template versions consist of: each is made for the reading. */
@Injectable()
export class TemplateCatalogs {
  constructor(
    private readonly store: TemplateStore,
    private readonly scratch: ScratchDatabase,
  ) {}

  /** Version 0 is an empty schema. */
  async read(server: ManagedServer, templateId: string, version: number): Promise<ExpectedCatalog> {
    if (version === 0) return EMPTY;
    const releases = await this.store.versions(templateId, { last: version });
    return this.scratch.withFreshSchema(server, releases, async (client, { value }) => {
      const objects = await readCatalog(client, value);
      const fingerprints = await fingerprintCatalogs(client, [value]);
      return { objects, fingerprint: fingerprints.get(value) ?? EMPTY.fingerprint };
    });
  }
}
