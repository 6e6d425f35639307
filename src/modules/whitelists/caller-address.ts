import type { DefaultAccess } from '../../config/config.js';
import type { Cidr } from '../../kernel/cidr.js';
import { RowhouseError } from '../../kernel/errors.js';
import { type AccessTerms, homeAccess } from '../../provisioning/access/home-access.js';

/** A home's terms with the networks that its list admits now; those of its host where the home has no terms itself. */
export interface ListedTerms extends AccessTerms {
  readonly networks: readonly Cidr[];
  readonly host: ListedTerms | null;
}

/** Why an address gets in, or does not: by a rule, since all do, for want of a rule, since nobody does. */
export type Admission = 'rule' | 'open' | 'no_rule' | 'closed';

export function admissionOf(address: string, terms: ListedTerms, defaultAccess: DefaultAccess): Admission {
  const access = homeAccess(terms, defaultAccess);
  if (access !== 'restricted') return access;
  const { networks } = terms.whitelistSize > 0 || !terms.host ? terms : terms.host;
  return networks.some((network) => network.contains(address)) ? 'rule' : 'no_rule';
}

/** Throws LOCKS_OUT_CALLER when a rule admits the caller's address now and nothing would afterwards. */
export function assertKeepsCaller(address: string, before: Admission, after: Admission): void {
  if (before !== 'rule' || isAdmitted(after)) return;
  throw new RowhouseError(
    'LOCKS_OUT_CALLER',
    `After this change your own address ${address} would not get in any more. Send force to change it all the same.`,
  );
}

/** What the caller should know about where the change leaves them; null when there is nothing. */
export function warningOf(address: string | null, after: Admission | null): string | null {
  if (after === 'open') return 'The list is empty: everybody gets in, with TLS.';
  if (address === null || after === null || isAdmitted(after)) return null;
  const reason =
    after === 'closed' ? 'the list is empty and nobody gets in' : 'no rule of the list admits it';
  return `Your own address ${address} does not get in: ${reason}.`;
}

/** What the caller should know about a list that shuts out hardly anybody; null when it does. */
export function warningOfWideRules(networks: readonly Cidr[]): string | null {
  const everybody = networks.filter(({ prefix }) => prefix === 0).map(String);
  return everybody.length > 0 ? `${everybody.join(' and ')} admits every address of its family.` : null;
}

function isAdmitted(admission: Admission): boolean {
  return admission === 'rule' || admission === 'open';
}
