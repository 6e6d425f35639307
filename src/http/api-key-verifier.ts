import type { Principal } from './request-context.js';

/** How the guards learn whose key it is; the API keys' module implements it. */
export abstract class ApiKeyVerifier {
  /** What a key may be remembered by: a keyed digest, which tells nothing of the key. */
  abstract fingerprint(key: string): string;

  /** The principal of a key that was verified lately; asks nobody, takes microseconds. */
  abstract recall(fingerprint: string): Principal | null;

  /** The principal of a key, or null. Takes as long for an unknown key as for a wrong secret. */
  abstract verify(key: string): Promise<Principal | null>;
}
