import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { TenantDirectory } from '../schemas/tenant-directory.js';
import type { TenantStatus } from '../schemas/tenant-home.js';
import type { PartitionTarget } from './partition-outcome.js';

/** What a policy is for: all tenants of a template, or all in a database. */
export type PartitionScope = { readonly templateId: string } | { readonly databaseId: string };

export interface DatabaseTargets {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly serverId: string;
  readonly targets: readonly PartitionTarget[];
}

interface Place extends PartitionTarget {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly serverId: string;
}

/** A suspended tenant is kept up too, so that it can be resumed at any time. */
const KEPT_UP: readonly TenantStatus[] = ['active', 'suspended'];

/** Schemas in stock age as others do: whoever gets one shall find its partitions. */
const STOCK = `
  SELECT NULL AS "tenantId", NULL AS slug, w.schema_name AS "schemaName", w.database_id AS "databaseId",
         d.database_name AS "databaseName", w.server_id AS "serverId"
  FROM warm_schemas w JOIN databases d ON d.id = w.database_id
  WHERE w.state = 'ready' AND ($1::uuid IS NULL OR w.template_id = $1) AND ($2::uuid IS NULL OR w.database_id = $2)
  ORDER BY w.schema_name`;

/** Finds the schemas that have a policy's table, by database. */
@Injectable()
export class PartitionTargets {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tenants: TenantDirectory,
  ) {}

  async find(scope: PartitionScope): Promise<DatabaseTargets[]> {
    const places = [...(await this.homes(scope)), ...(await this.stock(scope))];
    const byDatabase = new Map<string, Place[]>();
    for (const place of places) {
      const known = byDatabase.get(place.databaseId);
      if (known) known.push(place);
      else byDatabase.set(place.databaseId, [place]);
    }
    return [...byDatabase.values()].flatMap(toDatabase);
  }

  private async homes(scope: PartitionScope): Promise<Place[]> {
    const homes = await this.tenants.list({ ...scope, statuses: KEPT_UP });
    return homes.map(({ id, ...home }) => ({ ...home, tenantId: id }));
  }

  private stock(scope: PartitionScope): Promise<Place[]> {
    const templateId = 'templateId' in scope ? scope.templateId : null;
    const databaseId = 'databaseId' in scope ? scope.databaseId : null;
    return this.dataSource.query(STOCK, [templateId, databaseId]);
  }
}

function toDatabase(places: readonly Place[]): DatabaseTargets[] {
  const [first] = places;
  if (!first) return [];
  const { databaseId, databaseName, serverId } = first;
  const targets = places.map(({ tenantId, slug, schemaName }) => ({ tenantId, slug, schemaName }));
  return [{ databaseId, databaseName, serverId, targets }];
}
