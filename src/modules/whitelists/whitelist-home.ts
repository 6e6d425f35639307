import type { AccessTerms } from '../../provisioning/access/home-access.js';

/** How a request names a home: a tenant with a database of its own names that database. */
export interface HomeRef {
  readonly kind: 'database' | 'tenant';
  readonly id: string;
}

export type HomeStatus = 'creating' | 'active' | 'suspended' | 'deleting' | 'failed';

/** What has a whitelist: a database, or a tenant in a schema. */
export interface WhitelistHome extends HomeRef, AccessTerms {
  readonly serverId: string;
  readonly status: HomeStatus;
  readonly revision: number;
  /** The database that its login enters on the direct port. */
  readonly databaseName: string;
  /** What the pooled port calls it. */
  readonly alias: string;
  readonly username: string;
  /** The hosting database of a tenant schema. */
  readonly host: WhitelistHome | null;
}

/** Its list, as `If-Match` names it. */
export function etagOf({ revision }: Pick<WhitelistHome, 'revision'>): string {
  return `"${revision}"`;
}
