export interface BanCause {
  readonly failures: number;
  /** Of the request that was one too many. */
  readonly requestId: string;
  readonly address: string | null;
}

/** Which blocks of addresses are shut out for a while; the module of address bans implements it. */
export abstract class AddressBans {
  /** Milliseconds since 1970, or null. Asks nobody: it is on the path of every request. */
  abstract bannedUntil(block: string): number | null;

  /** Never fails: what cannot be stored holds in this process, and is stored later. */
  abstract ban(block: string, cause: BanCause): Promise<void>;
}
