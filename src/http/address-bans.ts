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

  /** Holds at once in this process. It is stored in the background, later if need be, and then holds in all. */
  abstract ban(block: string, cause: BanCause): void;
}
