import type { DefaultAccess } from '../../config/config.js';

/** Who gets in: everybody (with TLS), the networks of the list alone, or nobody. */
export const HOME_ACCESS = ['open', 'restricted', 'closed'] as const;
export type HomeAccess = (typeof HOME_ACCESS)[number];

export interface AccessTerms {
  /** Expired ones count: a list that ran empty by itself does not open its home. */
  readonly whitelistSize: number;
  /** The home's own word for as long as it has no rule; null leaves it to DEFAULT_ACCESS. */
  readonly externalAccess: boolean | null;
  /** The hosting database of a tenant schema, whose terms hold where the tenant has none; null for a database. */
  readonly host: AccessTerms | null;
}

export function homeAccess(terms: AccessTerms, defaultAccess: DefaultAccess): HomeAccess {
  const { whitelistSize, externalAccess, host } = terms;
  if (whitelistSize > 0) return 'restricted';
  if (host) return externalAccess === false ? 'closed' : homeAccess(host, defaultAccess);
  return (externalAccess ?? defaultAccess === 'open') ? 'open' : 'closed';
}
