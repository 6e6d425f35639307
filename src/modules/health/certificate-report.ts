import type { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type Config } from '../../config/config.js';
import { readServedCertificate, type TlsEndpoint } from '../../infra/tls/served-certificate.js';
import { Clock } from '../../kernel/clock.js';
import type { HealthCertificateDto } from './health.dto.js';
import { reasonOf } from './probe.js';

const REMEMBERED_MS = 5_000;
const DAY_MS = 86_400_000;
const EXPIRING_DAYS = 14;
const ALL_ADDRESSES: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

type EndpointName = HealthCertificateDto['endpoint'];

/** Which certificates clients are shown, as handshakes tell it: files and settings may say something else. */
@Injectable()
export class CertificateReport {
  private askedAt = 0;
  private answer: Promise<HealthCertificateDto[]> = Promise.resolve([]);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Remembered for a few seconds, since everybody may ask and each answer costs three handshakes. Never throws. */
  certificates(): Promise<HealthCertificateDto[]> {
    const now = this.clock.now().getTime();
    if (now - this.askedAt >= REMEMBERED_MS) {
      this.askedAt = now;
      this.answer = Promise.all(this.endpoints().map(([name, endpoint]) => this.look(name, endpoint)));
    }
    return this.answer;
  }

  private endpoints(): [EndpointName, TlsEndpoint | null][] {
    const { server } = this.config;
    return [
      ['postgres', { ...server, protocol: 'postgres' }],
      ...(server.pooler
        ? [['pgbouncer', { ...server.pooler, protocol: 'postgres' }] satisfies [EndpointName, TlsEndpoint]]
        : []),
      ['api', this.ownEndpoint()],
    ];
  }

  private ownEndpoint(): TlsEndpoint | null {
    if (this.config.http.tls === null) return null;
    const { address, port } = this.adapterHost.httpAdapter.getHttpServer().address() as AddressInfo;
    return { host: ALL_ADDRESSES[address] ?? address, port, protocol: 'tls' };
  }

  private async look(name: EndpointName, endpoint: TlsEndpoint | null): Promise<HealthCertificateDto> {
    if (endpoint === null) return { ...UNKNOWN, endpoint: name, status: 'off' };
    try {
      const certificate = await readServedCertificate(endpoint);
      if (certificate === null) return { ...UNKNOWN, endpoint: name, status: 'off' };
      return describeCertificate(name, certificate, this.clock.now());
    } catch (error) {
      return { ...UNKNOWN, endpoint: name, reason: reasonOf(error) };
    }
  }
}

const UNKNOWN: Omit<HealthCertificateDto, 'endpoint'> = {
  status: 'unknown',
  subject: null,
  issuer: null,
  serial: null,
  not_after: null,
  days_left: null,
  reason: null,
};

export function describeCertificate(
  endpoint: EndpointName,
  certificate: X509Certificate,
  now: Date,
): HealthCertificateDto {
  const end = new Date(certificate.validTo);
  const daysLeft = Math.floor((end.getTime() - now.getTime()) / DAY_MS);
  return {
    endpoint,
    status: daysLeft < 0 ? 'expired' : daysLeft < EXPIRING_DAYS ? 'expiring' : 'ok',
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber,
    not_after: end.toISOString(),
    days_left: daysLeft,
    reason: null,
  };
}

/** Some public CAs leave the subject empty: the names are elsewhere. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
