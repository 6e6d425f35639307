import { createHash } from 'node:crypto';
import type { FilesTls } from '../../config/tls-config.js';
import type { Certbot } from '../../infra/acme/certbot.js';
import { PairError, type PairPart, type PairText } from '../../infra/tls/certificate-pair.js';
import { type PairFiles, readPairFiles } from '../../infra/tls/pair-files.js';

const CA_VARIABLE = 'TLS_CA_FILE';
const OF_FILES: Record<PairPart, string> = {
  certificate: 'TLS_CERT_FILE',
  key: 'TLS_KEY_FILE',
  ca: CA_VARIABLE,
};
const OF_ACME: Record<PairPart, string> = { certificate: 'certbot', key: 'certbot', ca: CA_VARIABLE };

/** Files that somebody renews, and what a person calls them. */
export class PairSource {
  private constructor(
    readonly files: PairFiles,
    private readonly names: Record<PairPart, string>,
  ) {}

  static ofFiles({ certificateFile, keyFile, caFile }: FilesTls): PairSource {
    return new PairSource({ certificate: certificateFile, key: keyFile, ca: caFile }, OF_FILES);
  }

  static ofCertbot({ files }: Certbot, caFile: string | null): PairSource {
    return new PairSource({ ...files, ca: caFile }, OF_ACME);
  }

  /** Throws PairError. */
  read(): Promise<PairText> {
    return readPairFiles(this.files);
  }

  /** What `read` would answer or throw, in short. */
  async digest(): Promise<string> {
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
