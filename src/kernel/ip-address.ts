import { isIP } from 'node:net';

/** An IP address as a number. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export const ADDRESS_BITS = { 4: 32, 6: 128 } as const;

const MAPPED_PREFIX = 0xffffn << 32n;
const LOW_32_BITS = 0xffffffffn;
/** The longest run of zero groups, the first of equal ones (RFC 5952, 4.2). */
const ZERO_RUN = /(?<=^|:)0(?::0)+(?=:|$)/g;

/** Null when it is no address. The zone of a link-local address (`fe80::1%eth0`) is none of it. */
export function parseIpAddress(text: string): IpAddress | null {
  const family = text.includes('%') ? 0 : isIP(text);
  if (family === 4) return { family, value: parseV4(text) };
  return family === 6 ? { family, value: parseV6(text) } : null;
}

/** An IPv4 address in IPv6 notation (`::ffff:203.0.113.5`), as a socket for both families shows its clients, as IPv4. */
export function unmapAddress(address: IpAddress): IpAddress {
  return isMapped(address) ? { family: 4, value: address.value & LOW_32_BITS } : address;
}

export function isMapped({ family, value }: IpAddress): boolean {
  return family === 6 && value >> 32n === MAPPED_PREFIX >> 32n;
}

/** The canonical text: IPv6 in lower case and compressed (RFC 5952). */
export function formatIpAddress({ family, value }: IpAddress): string {
  return family === 4 ? formatV4(value) : formatV6(value);
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint {
  const [head = '', tail] = text.replace(/\d+\.\d+\.\d+\.\d+$/, v4AsGroups).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function v4AsGroups(text: string): string {
  const value = parseV4(text);
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function formatV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

function formatV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - 16 * at)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(':');
  const [longest] = [...text.matchAll(ZERO_RUN)].sort((a, b) => b[0].length - a[0].length);
  if (!longest) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}
