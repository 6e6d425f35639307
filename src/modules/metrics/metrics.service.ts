import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ReadinessDto } from '../health/health.dto.js';
import { HealthService } from '../health/health.service.js';

const SECOND_MS = 1_000;

/** What Prometheus scrapes: this process, and what readiness says, so that both tell the same. */
@Injectable()
export class MetricsService {
  private readonly registry = new Registry();
  private readonly up = new Gauge({
    name: 'rowhouse_up',
    help: 'Whether a part answered just now (1) or not (0)',
    labelNames: ['part'],
    registers: [this.registry],
  });
  private readonly certificateEnd = new Gauge({
    name: 'rowhouse_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that clients are shown expires, in seconds since 1970',
    labelNames: ['endpoint', 'subject'],
    registers: [this.registry],
  });

  constructor(private readonly health: HealthService) {
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async render(): Promise<string> {
    this.show(await this.health.readiness());
    return this.registry.metrics();
  }

  private show({ parts, certificates }: ReadinessDto): void {
    this.up.reset();
    for (const { name, status } of parts) {
      if (status !== 'off') this.up.set({ part: name }, status === 'up' ? 1 : 0);
    }
    this.certificateEnd.reset();
    for (const { endpoint, subject, not_after } of certificates) {
      if (not_after === null) continue;
      this.certificateEnd.set({ endpoint, subject: subject ?? '' }, Date.parse(not_after) / SECOND_MS);
    }
  }
}
