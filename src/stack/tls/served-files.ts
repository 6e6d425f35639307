import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { CertificatePair } from '../../infra/tls/certificate-pair.js';
import { type DataDirectory, giveTo } from '../data-directory.js';
import type { ServiceAccount } from '../service-account.js';

/** The content of both files; null for one that is not there. */
export interface ServedTexts {
  readonly pair: string | null;
  readonly clientCa: string | null;
}

/**
 * What PostgreSQL, PgBouncer and the API serve, whatever its source. Certificate and key share one file, so that a
 * rename replaces both: a server that restarts at any moment finds a pair that fits.
 */
export class ServedFiles {
  constructor(
    private readonly directory: Pick<DataDirectory, 'servedPair' | 'clientCa'>,
    private readonly account: ServiceAccount | null,
  ) {}

  holds(pair: CertificatePair): boolean {
    const texts = this.read();
    return texts.pair === render(pair) && texts.clientCa === pair.ca;
  }

  read(): ServedTexts {
    return { pair: findText(this.directory.servedPair), clientCa: findText(this.directory.clientCa) };
  }

  write(pair: CertificatePair): void {
    this.restore({ pair: render(pair), clientCa: pair.ca });
  }

  /** The CA first: who asks for it in between can verify both. */
  restore({ pair, clientCa }: ServedTexts): void {
    if (clientCa === null) rmSync(this.directory.clientCa, { force: true });
    else replace(this.directory.clientCa, clientCa, 0o644, null);
    if (pair !== null) replace(this.directory.servedPair, pair, 0o600, this.account);
  }
}

function render({ chain, key }: CertificatePair): string {
  return `${chain}${key}\n`;
}

function findText(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** PostgreSQL refuses a key that others may read, or that belongs to another user (manual, 19.9.1). */
function replace(path: string, text: string, mode: number, owner: ServiceAccount | null): void {
  const next = `${path}.new`;
  rmSync(next, { force: true });
  writeFileSync(next, text, { mode, flush: true });
  chmodSync(next, mode);
  giveTo(next, owner);
  renameSync(next, path);
}
