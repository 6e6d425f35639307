import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ManagedServer } from '../managed-server.js';
import { ScratchDatabase } from '../tenancy/templates/scratch-database.js';
import { TemplateStore } from '../tenancy/templates/template-store.js';
import { LIST_OBJECTS, type ObjectRow } from './object-owners-sql.js';

/** The keys of what a fresh host has in `shared`, and a fresh tenant in its schema. */
export interface KnownObjects {
  readonly shared: ReadonlySet<string>;
  readonly template: ReadonlySet<string>;
}

/** What Rowhouse makes, by its own hand: a schema of the version is made for the reading, in the scratch database. */
@Injectable()
export class KnownObjectsReader {
  /** A version never changes. */
  private readonly read = new LRUCache<string, KnownObjects>({ max: 200 });

  constructor(
    private readonly templates: TemplateStore,
    private readonly scratch: ScratchDatabase,
  ) {}

  async find(
    server: ManagedServer,
    template: { readonly templateId: string; readonly version: number } | null,
  ): Promise<KnownObjects> {
    const key = `${server.id}/${template?.templateId}/${template?.version}`;
    const known = this.read.get(key);
    if (known) return known;
    const { templateId, version } = template ?? { templateId: '', version: 0 };
    const releases = version === 0 ? [] : await this.templates.versions(templateId, { last: version });
    const found = await this.scratch.withFreshSchema(server, releases, async (client, { value }) => {
      const { rows } = await client.query<ObjectRow>(LIST_OBJECTS, [[value, 'shared']]);
      const keysOf = (schema: string, name: (row: ObjectRow) => string) =>
        new Set(rows.filter((row) => row.schema === schema).map(name));
      // Functions of `shared` are written anew, so only their names count.
      return { shared: keysOf('shared', ({ label }) => label), template: keysOf(value, ({ key }) => key) };
    });
    this.read.set(key, found);
    return found;
  }
}
