import { parsePair } from '../../infra/tls/certificate-pair.js';
import type { PairSource } from '../../infra/tls/pair-source.js';
import { SettledWatch } from '../../infra/tls/settled-watch.js';
import type { AcmeRenewal } from './acme-renewal.js';
import type { Deployment } from './deployment.js';
import type { ServedFiles } from './served-files.js';

const EVERY_MS = 2_000;
const RETRY_MS = 30_000;

export interface KeptCertificate {
  readonly source: PairSource;
  /** The digest of the source from which the servers were started. */
  readonly digest: string;
  readonly served: ServedFiles;
  readonly deployment: Deployment;
  readonly renewal: AcmeRenewal | null;
  readonly report: (line: string) => void;
}

/** Follows the source of the certificate while the servers run. What cannot be used leaves the old one in force. */
export class CertificateKeeper {
  private readonly watch: SettledWatch;
  private reported: string | null = null;

  constructor(private readonly kept: KeptCertificate) {
    this.watch = new SettledWatch({
      read: () => kept.source.digest(),
      known: kept.digest,
      onChange: () => this.adopt(),
      everyMs: EVERY_MS,
      retryMs: RETRY_MS,
    });
  }

  start(): void {
    this.watch.start();
    this.kept.renewal?.start();
  }

  async stop(): Promise<void> {
    await this.kept.renewal?.stop();
    await this.watch.stop();
  }

  private async adopt(): Promise<boolean> {
    const { source, served, deployment, report } = this.kept;
    try {
      const pair = parsePair(await source.read());
      if (!served.holds(pair)) {
        await deployment.deploy(pair);
        const until = new Date(pair.leaf.validTo).toISOString();
        report(`New certificate on both ports: serial ${pair.leaf.serialNumber}, valid until ${until}`);
      }
      this.reported = null;
      return true;
    } catch (error) {
      this.reportOnce(`${source.explain(error)}; the certificate in force stays`);
      return false;
    }
  }

  private reportOnce(line: string): void {
    if (line !== this.reported) this.kept.report(line);
    this.reported = line;
  }
}
