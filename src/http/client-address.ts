import { Cidr } from '../kernel/cidr.js';
import { RowhouseError } from '../kernel/errors.js';
import type { Principal } from './request-context.js';

/** What one client can choose from: an IPv6 client has a whole /64 (RFC 6177). */
const BLOCK = { v6: 64 } as const;

const sources = new WeakMap<Principal, readonly Cidr[]>();

/** The block of addresses that counts as one client, as its canonical network. Null for what is no address. */
export function findAddressBlock(address: string): string | null {
  return Cidr.ofAddress(address, BLOCK)?.toString() ?? null;
}

/** The same for the path of every request. Connections over a Unix socket have no address and count as one client. */
export function addressBlock(address: string | undefined): string {
  if (!address) return 'local';
  return address.includes(':') ? (findAddressBlock(address) ?? address) : `${address}/32`;
}

/** Whether the key may be used from there. */
export function isAllowedFrom(principal: Principal, address: string | undefined): boolean {
  if (principal.allowedCidrs.length === 0) return true;
  return sourcesOf(principal).some((network) => network.contains(address ?? ''));
}

export function assertAllowedFrom(principal: Principal, address: string | undefined): void {
  if (isAllowedFrom(principal, address)) return;
  throw new RowhouseError('ADDRESS_NOT_ALLOWED', 'This API key may not be used from your address.');
}

/** A verified key is remembered with its principal, so its networks are read once. */
function sourcesOf(principal: Principal): readonly Cidr[] {
  const known = sources.get(principal);
  if (known) return known;
  const networks = principal.allowedCidrs.map(Cidr.parse);
  sources.set(principal, networks);
  return networks;
}
