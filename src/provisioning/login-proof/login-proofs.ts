import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config/config.js';
import { LOGIN_PROBE, LOOKUP_DATABASE } from '../../infra/pgbouncer/auth-query.js';
import { isTimeout } from '../../infra/postgres/sqlstate.js';
import { logInOverTls } from '../../infra/postgres/tls-login.js';
import type { AccessPort } from '../access/access-plan.js';
import type { ManagedServer } from '../managed-server.js';
import { type RegisteredServer, ServerRegistry } from '../server-registry.js';
import { describeDirectProblem, describeMissingRules, describePooledProblem } from './login-problems.js';
import { withProbeRole } from './probe-role.js';

const LOOK_MS = 1_000;
/** A proof that failed is repeated sooner: what is mended shall show. */
const REPEAT_MS = { good: 15_000, bad: 2_000 } as const;

const NOT_PREPARED = 'Rowhouse could not prepare the server yet; its log says why';

/** Whether clients can log in on a port with the strings that Rowhouse hands out. */
export interface LoginProof {
  readonly serverName: string;
  readonly port: AccessPort;
  /** Of the login, in milliseconds; null when it failed. */
  readonly latencyMs: number | null;
  /** What is wrong and what to set; null when the login worked. */
  readonly problem: string | null;
  /** More about it, for operators only. */
  readonly detail?: string | null;
}

/**
 * Logs in on both ports every fifteen seconds, with TLS and by a role of its own that PgBouncer has to look up, as
 * clients do. An answer to Rowhouse's own users proves nothing of that.
 */
@Injectable()
export class LoginProofs implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(LoginProofs.name);
  private proofs: readonly LoginProof[] = [];
  private isProving = false;
  private isStopping = false;
  private dueAt = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.prove();
  }

  /** A proof that is cut short then tells nothing. */
  onModuleDestroy(): void {
    this.isStopping = true;
  }

  /** As of the last time. */
  list(): readonly LoginProof[] {
    return this.proofs;
  }

  /** For people, one for each port that no client can use. */
  warnings(): string[] {
    return this.proofs.flatMap((proof) => (proof.problem === null ? [] : [warningOf(proof)]));
  }

  @Interval(LOOK_MS)
  async look(): Promise<void> {
    if (performance.now() >= this.dueAt) await this.prove();
  }

  private async prove(): Promise<void> {
    if (this.isProving || this.isStopping) return;
    this.isProving = true;
    const proofs = await Promise.all(this.servers.list().map((entry) => this.proveServer(entry)));
    if (this.isStopping) return;
    this.tellNews(proofs.flat());
    this.proofs = proofs.flat();
    const isGood = this.proofs.every(({ problem }) => problem === null);
    this.dueAt = performance.now() + REPEAT_MS[isGood ? 'good' : 'bad'];
    this.isProving = false;
  }

  private async proveServer(entry: RegisteredServer): Promise<LoginProof[]> {
    const { name, server } = entry;
    if (!server) return this.describeUnprepared(entry);
    const ports = this.ports();
    try {
      return await withProbeRole(server.postgres, (password) =>
        Promise.all(ports.map((port) => this.provePort(server, port, password))),
      );
    } catch (error) {
      const problem = describeDirectProblem(error);
      return ports.map((port) => ({ serverName: name, port, latencyMs: null, problem }));
    }
  }

  private async describeUnprepared({ id, name, problem: detail }: RegisteredServer): Promise<LoginProof[]> {
    const rules = await this.findMissingRules(id);
    return this.ports().map((port) => {
      const problem = (port === 'pooled' && rules) || NOT_PREPARED;
      return { serverName: name, port, latencyMs: null, problem, detail };
    });
  }

  private async describe({ id }: ManagedServer, port: AccessPort, error: unknown): Promise<string> {
    if (port === 'direct') return describeDirectProblem(error);
    return describePooledProblem(error, await this.servers.findPoolerSettings(id));
  }

  private ports(): AccessPort[] {
    return this.config.server.pooler ? ['direct', 'pooled'] : ['direct'];
  }

  private async findMissingRules(serverId: string): Promise<string | null> {
    if (!this.config.server.pooler?.configDir) return null;
    return describeMissingRules(await this.servers.findPoolerSettings(serverId));
  }

  private async provePort(server: ManagedServer, port: AccessPort, password: string): Promise<LoginProof> {
    const result = { serverName: server.name, port };
    const start = performance.now();
    try {
      await this.logIn(server, port, password);
      const latencyMs = Math.round((performance.now() - start) * 10) / 10;
      return {
        ...result,
        latencyMs,
        problem: port === 'pooled' ? await this.findMissingRules(server.id) : null,
      };
    } catch (error) {
      this.logger.debug(`A login on the ${port} port failed`, error);
      return { ...result, latencyMs: null, problem: await this.describe(server, port, error) };
    }
  }

  /** A session can end by chance, and a pool be remembered as failing; the second try tells. */
  private async logIn({ config }: ManagedServer, port: AccessPort, password: string): Promise<void> {
    const { pooler } = config;
    const { host, port: number } = port === 'pooled' && pooler ? pooler : config;
    // Where Rowhouse does not write the entries, PgBouncer serves every database by its own name.
    const database = port === 'pooled' && pooler?.configDir ? LOGIN_PROBE : LOOKUP_DATABASE;
    const target = { host, port: number, user: LOGIN_PROBE, password, database };
    await logInOverTls(target).catch((error: unknown) => {
      if (isTimeout(error)) throw error;
      return logInOverTls(target);
    });
  }

  private tellNews(proofs: readonly LoginProof[]): void {
    const known = new Set(this.proofs.map(({ problem }) => problem));
    for (const proof of proofs) {
      if (proof.problem !== null && !known.has(proof.problem)) this.logger.warn(warningOf(proof));
    }
  }
}

function warningOf({ serverName, port, problem, detail }: LoginProof): string {
  const more = detail ? ` (${detail})` : '';
  return `The ${port} port of the server "${serverName}" does not serve clients as it should: ${problem}${more}`;
}
