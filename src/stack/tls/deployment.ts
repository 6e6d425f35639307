import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/config.js';
import { PgBouncerAdmin } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { PostgresAdmin } from '../../infra/postgres/postgres-admin.js';
import { SessionSeals } from '../../infra/postgres/session-seal.js';
import type { CertificatePair } from '../../infra/tls/certificate-pair.js';
import { readServedCertificate, type TlsEndpoint } from '../../infra/tls/served-certificate.js';
import type { ServedFiles } from './served-files.js';

const PATIENCE_MS = 10_000;
const POLL_MS = 100;

/** The certificate did not get into force; the one before it is. */
export class DeploymentError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`the new certificate could not be put into force: ${reason}`, options);
    this.name = 'DeploymentError';
  }
}

/** Puts a certificate into force on both ports. Both servers read it without ending a session. */
export class Deployment {
  private readonly ports: readonly { name: string; endpoint: TlsEndpoint }[];

  constructor(
    private readonly served: ServedFiles,
    private readonly config: Config,
  ) {
    const { server } = config;
    this.ports = [
      { name: 'PostgreSQL', endpoint: { ...server, protocol: 'postgres' } },
      ...(server.pooler
        ? [{ name: 'PgBouncer', endpoint: { ...server.pooler, protocol: 'postgres' as const } }]
        : []),
    ];
  }

  /** Throws DeploymentError. */
  async deploy(pair: CertificatePair): Promise<void> {
    const before = this.served.read();
    try {
      this.served.write(pair);
      await this.reload();
      await this.confirm(pair.leaf.fingerprint256);
    } catch (error) {
      this.served.restore(before);
      await this.reload().catch(() => undefined);
      throw error instanceof DeploymentError ? error : new DeploymentError(String(error), { cause: error });
    }
  }

  private async reload(): Promise<void> {
    const { server, caFile } = this.config;
    const postgres = new PostgresAdmin(server, caFile, SessionSeals.of(this.config));
    const pooler = server.pooler && new PgBouncerAdmin(server.pooler, server.tls, caFile);
    try {
      await postgres.execute('SELECT pg_catalog.pg_reload_conf()');
      await pooler?.reload();
    } finally {
      await Promise.all([postgres.close(), pooler?.close()]);
    }
  }

  /** Neither reload says whether the servers took the certificate: both keep the old one when they did not. */
  private async confirm(fingerprint: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const late = await this.findUnchanged(fingerprint);
      if (late === null) return;
      if (Date.now() > deadline) throw new DeploymentError(`${late} does not serve it`);
      await delay(POLL_MS);
    }
  }

  private async findUnchanged(fingerprint: string): Promise<string | null> {
    for (const { name, endpoint } of this.ports) {
      const shown = await readServedCertificate(endpoint).catch(() => null);
      if (shown?.fingerprint256 !== fingerprint) return name;
    }
    return null;
  }
}
