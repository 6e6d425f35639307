import {
  ADDRESS_BITS,
  formatIpAddress,
  type IpAddress,
  isMapped,
  parseIpAddress,
  unmapAddress,
} from './ip-address.js';

const MAPPED_BITS = 96;
const EXPECTED = 'must be an IP address or a network in CIDR notation, such as 203.0.113.5 or 2001:db8::/32';

/** Why a text is no network, as what would be accepted. */
export class CidrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CidrError';
  }
}

/**
 * A network of addresses in its canonical text: `203.0.113.5` is `203.0.113.5/32`, IPv6 is in lower case and compressed,
 * and IPv4 in IPv6 notation (`::ffff:203.0.113.5`) is IPv4, as PostgreSQL and PgBouncer see such clients. `::/0` therefore
 * holds IPv6 addresses only, `0.0.0.0/0` IPv4 addresses only.
 */
export class Cidr {
  private text: string | null = null;

  private constructor(
    private readonly network: IpAddress,
    readonly prefix: number,
  ) {}

  /** Throws CidrError. */
  static parse(text: string): Cidr {
    const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const parsed = parseIpAddress(address);
    if (!parsed) throw new CidrError(EXPECTED);
    const prefix = length === undefined ? ADDRESS_BITS[parsed.family] : Number(length);
    if (prefix > ADDRESS_BITS[parsed.family] || (length && String(prefix) !== length)) {
      throw new CidrError(`must have a prefix length from 0 to ${ADDRESS_BITS[parsed.family]}`);
    }
    return Cidr.ofNetwork(parsed, prefix);
  }

  /** The network of one client's address, or null when it is no address. The zone of a link-local one does not count. */
  static ofAddress(text: string, prefix?: { readonly v6: number }): Cidr | null {
    const parsed = parseIpAddress(text.split('%')[0] ?? '');
    if (!parsed) return null;
    const address = unmapAddress(parsed);
    const bits = address.family === 6 && prefix ? prefix.v6 : ADDRESS_BITS[address.family];
    return new Cidr(truncate(address, bits), bits);
  }

  /** For sorting: IPv4 before IPv6, then by first address, wider networks first. */
  static compare(a: Cidr, b: Cidr): number {
    if (a.family !== b.family) return a.family - b.family;
    if (a.network.value !== b.network.value) return a.network.value < b.network.value ? -1 : 1;
    return a.prefix - b.prefix;
  }

  get family(): 4 | 6 {
    return this.network.family;
  }

  /** Whether the address of a client lies in it; false for what is no address. */
  contains(address: string): boolean {
    const other = Cidr.ofAddress(address);
    return other !== null && this.covers(other);
  }

  /** Whether all of the other network lies in it. */
  covers(other: Cidr): boolean {
    return (
      this.family === other.family &&
      this.prefix <= other.prefix &&
      truncate(other.network, this.prefix).value === this.network.value
    );
  }

  /** Whether they have an address in common; of two networks that do, one covers the other. */
  overlaps(other: Cidr): boolean {
    return this.covers(other) || other.covers(this);
  }

  equals(other: Cidr): boolean {
    return Cidr.compare(this, other) === 0;
  }

  toString(): string {
    this.text ??= `${formatIpAddress(this.network)}/${this.prefix}`;
    return this.text;
  }

  private static ofNetwork(address: IpAddress, prefix: number): Cidr {
    if (isMapped(address) && prefix >= MAPPED_BITS) {
      return Cidr.ofNetwork(unmapAddress(address), prefix - MAPPED_BITS);
    }
    const network = truncate(address, prefix);
    const meant = new Cidr(network, prefix);
    if (network.value === address.value) return meant;
    throw new CidrError(`must not have host bits set: ${meant} was probably meant`);
  }
}

function truncate({ family, value }: IpAddress, prefix: number): IpAddress {
  const hostBits = BigInt(ADDRESS_BITS[family] - prefix);
  return { family, value: (value >> hostBits) << hostBits };
}
