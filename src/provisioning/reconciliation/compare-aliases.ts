import type { PoolerDatabase } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { DatabaseName } from '../../kernel/identifiers.js';
import { isHomeName } from '../home-names.js';
import { poolSizes } from '../pool-sizes.js';
import { tenantAlias } from './compare-tenants.js';
import type { Comparison } from './comparison.js';
import type { ExpectedHome } from './expected-homes.js';
import type { Finding, FindingKind, RepairAction } from './finding.js';

interface WantedAlias {
  readonly name: string;
  readonly database: string;
  readonly poolSize: number;
  readonly databaseId: string | null;
}

export function compareAliases(comparison: Comparison): Finding[] {
  const { aliases } = comparison.observed;
  if (aliases === null) return [];
  const served = new Map(aliases.map((alias) => [alias.name, alias]));
  const wanted = [
    ...comparison.settled.flatMap(wantedAliases),
    ...comparison.settledTenants.map(tenantAlias),
  ];
  const unknown = aliases.filter(({ name }) => isHomeName(name) && !comparison.known.has(name));
  return [
    ...wanted.flatMap((alias) => compareAlias(alias, served.get(alias.name))),
    ...unknown.map(({ name }) =>
      report({ name, databaseId: null }, 'alias_unwanted', 'No home has this name.'),
    ),
  ];
}

function wantedAliases({ id, kind, home }: ExpectedHome): WantedAlias[] {
  const hasShadow = home.shadowDatabaseOid !== null;
  const sizes = poolSizes({ maxConnections: home.maxConnections, hasShadow });
  const databaseId = kind === 'database' ? id : null;
  const main = { name: home.databaseName, database: home.databaseName, poolSize: sizes.main, databaseId };
  if (!hasShadow) return [main];
  const shadow = DatabaseName.of(home.databaseName).shadow.value;
  return [main, { name: shadow, database: shadow, poolSize: sizes.shadow, databaseId }];
}

function compareAlias(wanted: WantedAlias, served: PoolerDatabase | undefined): Finding[] {
  if (!served) return [report(wanted, 'alias_missing', 'Logins over the pooled port fail.')];
  const findings: Finding[] = [];
  if (served.database !== wanted.database || served.pool_size !== wanted.poolSize) {
    const detail = `It leads to ${served.database} with ${served.pool_size} connections, not ${wanted.poolSize}.`;
    findings.push(report(wanted, 'alias_drifted', detail));
  }
  if (served.paused || served.disabled) {
    const action: RepairAction = { type: 'resume_alias', alias: wanted.name };
    findings.push({ ...report(wanted, 'alias_paused', 'Its clients wait or are refused.'), action });
  }
  return findings;
}

function report(
  { name, databaseId }: Pick<WantedAlias, 'name' | 'databaseId'>,
  kind: FindingKind,
  detail: string,
): Finding {
  return { kind, name, databaseId, detail, action: { type: 'sync_aliases' } };
}
