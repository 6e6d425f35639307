import type { EntityManager } from 'typeorm';
import type { DefaultAccess } from '../../config/config.js';
import { Cidr } from '../../kernel/cidr.js';
import { type AccessTerms, homeAccess } from './home-access.js';

interface TermsRow extends Omit<AccessTerms, 'host'> {
  readonly hostId: string | null;
  readonly networks: readonly string[];
}

/** $2: until when a rule must last to count; null is for good. */
const readTerms = (table: 'databases' | 'tenants', column: string, host: string) => `
  SELECT h.external_access AS "externalAccess", ${host} AS "hostId", count(r.id)::int AS "whitelistSize",
         coalesce(array_agg(r.network::text) FILTER (
           WHERE r.id IS NOT NULL
             AND (r.expires_at IS NULL OR (r.expires_at > now() AND r.expires_at >= $2::timestamptz))), '{}') AS networks
  FROM ${table} h LEFT JOIN whitelist_rules r ON r.${column} = h.id AND r.removed_at IS NULL
  WHERE h.id = $1 GROUP BY h.id`;

const TERMS = {
  database: readTerms('databases', 'database_id', 'NULL'),
  tenant: readTerms('tenants', 'tenant_id', 'h.database_id'),
} as const;

export interface NetworksWish {
  readonly home: { readonly type: 'database' | 'tenant'; readonly id: string };
  readonly until: Date | null;
  readonly defaultAccess: DefaultAccess;
}

/** The networks that a guarded home lets in until then, by its own rules or its host's; null when it lets all in. */
export async function readHomeNetworks(
  tx: Pick<EntityManager, 'query'>,
  { home: { type, id }, until, defaultAccess }: NetworksWish,
): Promise<Cidr[] | null> {
  const [own]: TermsRow[] = await tx.query(TERMS[type], [id, until]);
  if (!own) return [];
  const [found]: TermsRow[] = own.hostId ? await tx.query(TERMS.database, [own.hostId, until]) : [];
  const host = found ? { ...found, host: null } : null;
  if (homeAccess({ ...own, host }, defaultAccess) === 'open') return null;
  const follows = host && own.whitelistSize === 0 && own.externalAccess !== false;
  return (follows ? host : own).networks.map((network) => Cidr.parse(network));
}
