import type { Principal } from '../../http/request-context.js';
import { grants, type Scope } from '../../http/scopes.js';
import { Cidr } from '../../kernel/cidr.js';
import { type FieldError, RowhouseError } from '../../kernel/errors.js';

/** What a key may do, where, and for how long. */
export interface Grant {
  readonly scopes: readonly Scope[];
  /** Null is all. */
  readonly tenantIds: readonly string[] | null;
  /** None is anywhere. */
  readonly allowedCidrs: readonly string[];
  /** Null is never. */
  readonly expiresAt: Date | null;
}

/** Throws unless a key of this grant can do nothing that the principal cannot; names every field that goes beyond. */
export function assertCovers(principal: Principal, grant: Grant): void {
  const excesses: [string, string | null][] = [
    ['scopes', scopesBeyond(principal, grant)],
    ['tenantIds', tenantsBeyond(principal, grant)],
    ['allowedCidrs', cidrsBeyond(principal, grant)],
    ['expiresAt', expiryBeyond(principal, grant)],
  ];
  const errors = excesses.flatMap(([field, message]): FieldError[] => (message ? [{ field, message }] : []));
  if (errors.length === 0) return;
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  const code = errors[0]?.field === 'scopes' ? 'INSUFFICIENT_SCOPE' : 'EXCEEDS_OWN_RIGHTS';
  throw new RowhouseError(code, `Your own API key cannot manage a key with more rights: ${detail}`, {
    errors,
  });
}

function scopesBeyond({ scopes: own }: Principal, { scopes }: Grant): string | null {
  const lacking = scopes.filter((scope) => !grants(own, scope));
  return lacking.length > 0 ? `your own key lacks ${lacking.join(', ')}` : null;
}

function tenantsBeyond({ tenantIds: own }: Principal, { tenantIds }: Grant): string | null {
  if (own === null) return null;
  if (tenantIds === null) return 'must name tenants, as your own key is bound to some';
  const foreign = tenantIds.filter((id) => !own.includes(id));
  return foreign.length > 0 ? `your own key is not for ${foreign.join(', ')}` : null;
}

function cidrsBeyond({ allowedCidrs: own }: Principal, { allowedCidrs }: Grant): string | null {
  if (own.length === 0) return null;
  if (allowedCidrs.length === 0) return `must lie within ${own.join(', ')}, as your own key does`;
  const wide = allowedCidrs.filter(
    (inner) => !own.some((outer) => Cidr.parse(outer).covers(Cidr.parse(inner))),
  );
  return wide.length > 0
    ? `${wide.join(', ')} must lie within ${own.join(', ')}, as your own key does`
    : null;
}

function expiryBeyond({ expiresAt: own }: Principal, { expiresAt }: Grant): string | null {
  if (own === null || (expiresAt !== null && expiresAt <= new Date(own))) return null;
  return `must not be after ${own}, when your own key expires`;
}
