import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { RedisConnection } from '../../infra/redis/redis-connection.js';
import { Clock } from '../../kernel/clock.js';
import { AccessSync } from '../../provisioning/access/access-sync.js';
import { type LoginProof, LoginProofs } from '../../provisioning/login-proof/login-proofs.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { CertificateReport } from './certificate-report.js';
import type { HealthDto, HealthPartDto, ReadinessDto } from './health.dto.js';
import { type Probe, runProbe } from './probe.js';
import { StuckReport } from './stuck-report.js';

const WITHOUT_REDIS: HealthPartDto = {
  name: 'redis',
  status: 'off',
  needed: false,
  latency_ms: null,
  reason: 'not configured: rate limits and the key cache are each process its own',
};

@Injectable()
export class HealthService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
    private readonly control: DataSource,
    private readonly redis: RedisConnection,
    private readonly servers: ServerRegistry,
    private readonly report: CertificateReport,
    private readonly access: AccessSync,
    private readonly sessions: StuckReport,
    private readonly logins: LoginProofs,
  ) {}

  health(): HealthDto {
    return { status: 'ok', timestamp: this.clock.now().toISOString(), environment: this.config.environment };
  }

  async readiness(): Promise<ReadinessDto> {
    const [certificates, sessions, ...asked] = await Promise.all([
      this.report.certificates(),
      this.sessions.parts(),
      ...this.probes().map(runProbe),
    ]);
    const answers = [...asked, ...this.logins.list().map(toPart), ...sessions];
    const parts = this.redis.client ? answers : [...answers, WITHOUT_REDIS];
    const isReady = parts.every((part) => part.status === 'up' || !part.needed);
    const timestamp = this.clock.now().toISOString();
    for (const part of parts) this.addNotice(part);
    return { status: isReady ? 'ready' : 'unavailable', timestamp, parts, certificates };
  }

  /** Open to everybody: the version, which the log tells, stays out of it. */
  private addNotice(part: HealthPartDto): void {
    const server = this.servers.list().find(({ name }) => part.name === poolerPart(name))?.server;
    const flaws = server?.facts.poolerFlaws ?? [];
    if (flaws.length > 0)
      part.notice = flaws.map(({ cve, fixedIn }) => `${cve}, fixed in ${fixedIn}`).join('; ');
  }

  private probes(): Probe[] {
    return [
      { name: 'control database', needed: true, ask: () => this.control.query('SELECT 1') },
      ...this.servers.list().flatMap(({ id, name }) => this.serverProbes(id, name)),
      ...(this.redis.client ? [{ name: 'redis', needed: false, ask: () => this.redis.ping() }] : []),
    ];
  }

  private serverProbes(id: string, name: string): Probe[] {
    const direct = { name: `server ${name}`, needed: true, ask: () => this.servers.pingPostgres(id) };
    const pooled = { name: poolerPart(name), needed: true, ask: () => this.servers.pingPooler(id) };
    const rules = {
      name: `access rules of ${name}`,
      needed: false,
      ask: async () => this.access.assertTaken({ id }),
    };
    return this.config.server.pooler ? [direct, pooled, rules] : [direct, rules];
  }
}

function toPart({ serverName, port, latencyMs, problem }: LoginProof): HealthPartDto {
  return {
    name: `${port} logins of ${serverName}`,
    status: problem === null ? 'up' : 'down',
    needed: true,
    latency_ms: latencyMs,
    reason: problem,
  };
}

function poolerPart(server: string): string {
  return `pooler of ${server}`;
}
