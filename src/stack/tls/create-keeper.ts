import { loadConfig } from '../../config/load-config.js';
import type { LocalStackOptions } from '../local-stack-options.js';
import { AcmeRenewal } from './acme-renewal.js';
import { CertificateKeeper } from './certificate-keeper.js';
import { Deployment } from './deployment.js';
import type { PreparedTls } from './prepare-tls.js';

/** Null when the certificate comes from the local CA. `env`: how the running stack is reached. */
export function createKeeper(
  { report, renewalTimes }: LocalStackOptions,
  { source, digest, served, certbot }: PreparedTls,
  env: Record<string, string>,
): CertificateKeeper | null {
  if (source === null) return null;
  return new CertificateKeeper({
    source,
    digest,
    served,
    deployment: new Deployment(served, loadConfig(env)),
    renewal: certbot && new AcmeRenewal(certbot, report, renewalTimes),
    report,
  });
}
