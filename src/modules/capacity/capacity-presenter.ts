import type { TenantHome } from '../../provisioning/tenancy/schemas/tenant-home.js';
import type { CapacityDto, CapacityTenantDto } from './capacity.dto.js';
import { adviceOn } from './capacity-advice.js';
import {
  type CapacityFacts,
  catalogBytes,
  crashRestartSeconds,
  dropLocks,
  dumpLocks,
  dumpSeconds,
  lockSlots,
  relationsOf,
  totalRelations,
  widestSchema,
} from './capacity-facts.js';

const LARGEST_CATALOGS = 5;

export interface MeasuredDatabase {
  readonly database: { readonly id: string; readonly databaseName: string };
  readonly facts: CapacityFacts;
  readonly homes: readonly TenantHome[];
  readonly counts: { readonly tenants: number; readonly warm: number };
  readonly maxTenants: number | null;
  readonly room: number | null;
  readonly now: Date;
}

export function toCapacityDto(measured: MeasuredDatabase, top: number): CapacityDto {
  const { database, facts, counts, maxTenants, room, now } = measured;
  const { tenants } = counts;
  return {
    database_id: database.id,
    database_name: database.databaseName,
    schemas: facts.schemas,
    tenants,
    warm_schemas: counts.warm,
    max_tenants: maxTenants,
    room,
    database_bytes: facts.databaseBytes,
    catalog_bytes: catalogBytes(facts),
    largest_catalogs: facts.catalogs
      .slice(0, LARGEST_CATALOGS)
      .map(({ name, bytes, deadRows }) => ({ name, bytes, dead_rows: deadRows })),
    objects: toObjects(facts),
    largest_tenants: largestTenants(measured, top),
    locks: toLocks(facts),
    estimates: {
      tenant_dump_seconds: dumpSeconds(facts),
      crash_restart_seconds: crashRestartSeconds(facts),
    },
    ages: { xid: facts.xidAge, multixact: facts.multixactAge },
    advice: adviceOn({ facts, tenants, maxTenants, now }),
  };
}

function toObjects(facts: CapacityFacts): CapacityDto['objects'] {
  return {
    total: totalRelations(facts),
    tables: relationsOf(facts, 'r'),
    partitioned_tables: relationsOf(facts, 'p'),
    indexes: relationsOf(facts, 'i', 'I'),
    sequences: relationsOf(facts, 'S'),
    toast_tables: relationsOf(facts, 't'),
    views: relationsOf(facts, 'v', 'm'),
  };
}

function toLocks(facts: CapacityFacts): CapacityDto['locks'] {
  const widest = widestSchema(facts);
  return {
    slots: lockSlots(facts),
    whole_dump: dumpLocks(facts),
    widest_tenant_drop: widest ? dropLocks(widest) : 0,
    widest_tenant: widest?.schema ?? null,
  };
}

function largestTenants({ facts, homes }: MeasuredDatabase, top: number): CapacityTenantDto[] {
  const bySchema = new Map(homes.map((home) => [home.schemaName, home]));
  const known = facts.tenantSchemas.flatMap(({ schema, bytes, relations }) => {
    const home = bySchema.get(schema);
    return home ? [{ tenant_id: home.id, slug: home.slug, schema_name: schema, bytes, relations }] : [];
  });
  return known.sort((one, other) => other.bytes - one.bytes).slice(0, top);
}
