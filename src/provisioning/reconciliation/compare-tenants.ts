import { poolSizes } from '../pool-sizes.js';
import type { Comparison } from './comparison.js';
import type { ExpectedTenant } from './expected-tenancy.js';
import type { Finding } from './finding.js';

/** Tenant schemas: whether each is there under its name. Their logins and aliases are compared with all others. */
export function compareTenants(comparison: Comparison): Finding[] {
  return comparison.settledTenants.flatMap((expected) => compareSchema(comparison, expected));
}

function compareSchema({ schemas }: Comparison, expected: ExpectedTenant): Finding[] {
  const found = schemas.get(expected.hostName);
  const { databaseName: schemaName } = expected.home;
  if (!found || expected.schemaOid === null) return [];
  const name = found.get(expected.schemaOid);
  if (name === schemaName) return [];
  const base = { name: schemaName, databaseId: null };
  if (name === undefined) {
    const detail = `${expected.hostName} has no schema with OID ${expected.schemaOid}.`;
    const action =
      expected.kind === 'warm_schema' ? ({ type: 'retire_warm', home: expected } as const) : null;
    return [{ ...base, kind: 'schema_missing', detail, action }];
  }
  return [{ ...base, kind: 'schema_renamed', detail: `It is called ${name} now.`, action: null }];
}

/** What the pooler shall serve for a tenant. */
export function tenantAlias({ home, hostName }: ExpectedTenant) {
  const { main } = poolSizes({ maxConnections: home.maxConnections, hasShadow: false });
  return { name: home.databaseName, database: hostName, poolSize: main, databaseId: null };
}
