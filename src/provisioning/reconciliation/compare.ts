import { compareAliases } from './compare-aliases.js';
import { compareDatabases } from './compare-databases.js';
import { compareHostRoles } from './compare-host-roles.js';
import { compareLogins } from './compare-logins.js';
import { compareRoles } from './compare-roles.js';
import { compareSettings } from './compare-settings.js';
import { compareTenants } from './compare-tenants.js';
import { type Comparison, type ComparisonInput, toComparison } from './comparison.js';
import type { Finding } from './finding.js';

/** All differences between what the control database knows and what is there. */
export function compare(input: ComparisonInput): Finding[] {
  const comparison = toComparison(input);
  return [
    ...compareDatabases(comparison),
    ...compareRoles(comparison),
    ...compareHostRoles(comparison),
    ...compareLogins(comparison),
    ...compareSettings(comparison),
    ...compareAliases(comparison),
    ...compareTenants(comparison),
    ...compareOperations(comparison),
  ];
}

/** Without an operation, a row that is being created or deleted stays so for ever. */
function compareOperations({ before, after }: Comparison): Finding[] {
  const idleBefore = new Set(before.filter(({ isBusy }) => !isBusy).map(({ id }) => id));
  return after
    .filter(({ id, kind, status, isBusy }) => {
      const isUnderWay = kind === 'database' && (status === 'creating' || status === 'deleting');
      return isUnderWay && !isBusy && idleBefore.has(id);
    })
    .map(({ id, status, home }) => ({
      kind: 'operation_missing',
      name: home.databaseName,
      databaseId: id,
      detail: `Its status is ${status}.`,
      action: null,
    }));
}
