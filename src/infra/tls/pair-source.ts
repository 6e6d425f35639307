import { createHash } from 'node:crypto';
import { PairError, type PairPart, type PairText } from './certificate-pair.js';
import { type PairFiles, readPairFiles } from './pair-files.js';

/** Which variable, or who else, is to blame for a part that cannot be used. */
export type PairNames = Readonly<Record<PairPart, string>>;

export const PAIR_VARIABLES: PairNames = {
  certificate: 'TLS_CERT_FILE',
  key: 'TLS_KEY_FILE',
  ca: 'TLS_CA_FILE',
};

/** Files that somebody renews. */
export class PairSource {
  constructor(
    readonly files: PairFiles,
    private readonly names: PairNames = PAIR_VARIABLES,
  ) {}

  /** Throws PairError. */
  read(): Promise<PairText> {
    return readPairFiles(this.files);
  }

  /** What `read` would answer or throw, in short: the key must not linger in memory for comparisons. */
  digest(): Promise<string> {
    return this.read().then(digestOf, (error: unknown) => String(error));
  }

  /** Names the variable at fault, when the pair is. */
  explain(error: unknown): string {
    if (error instanceof PairError) return `${this.names[error.part]}: ${error.message}`;
    return error instanceof Error ? error.message : String(error);
  }
}

export function digestOf({ certificate, key, ca }: PairText): string {
  return createHash('sha256')
    .update(JSON.stringify([certificate, key, ca]))
    .digest('hex');
}
