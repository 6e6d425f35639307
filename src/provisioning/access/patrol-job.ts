import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config/config.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { settleAll } from '../../kernel/settle-all.js';
import type { ManagedServer } from '../managed-server.js';
import { ServerRegistry } from '../server-registry.js';
import { WorkerPatrol } from '../tenancy/hosts/worker-patrol.js';
import { AccessSync } from './access-sync.js';

const EVERY_FIVE_SECONDS_MS = 5_000;
const EVERY_MINUTE_MS = 60_000;
const EVERY_HOUR_MS = 60 * 60_000;

/** Looks after the rules from time to time. */
@Injectable()
export class PatrolJob {
  private readonly logger = new Logger(PatrolJob.name);
  private isSweeping = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
    private readonly access: AccessSync,
    private readonly workers: WorkerPatrol,
  ) {}

  /** A login that was asked for its password before a change gets in after it, when nobody looks any more. */
  @Interval(EVERY_FIVE_SECONDS_MS)
  async sweep(): Promise<void> {
    if (this.config.role === 'api' || this.isSweeping) return;
    this.isSweeping = true;
    await this.forEachServer((server) => settleAll([this.access.sweep(server), this.workers.sweep(server)]));
    this.isSweeping = false;
  }

  /** Somebody may have mended what a server did not take. */
  @Interval(EVERY_MINUTE_MS)
  retry(): Promise<void> {
    return this.forEachServer(async (server) => {
      try {
        this.access.assertTaken(server);
      } catch {
        await this.access.sync(server);
      }
    });
  }

  /** Each process tells where it comes from, or its addresses would no longer be admitted after some days. */
  @Interval(EVERY_HOUR_MS)
  refresh(): Promise<void> {
    return this.forEachServer((server) => this.access.refresh(server));
  }

  private async forEachServer(work: (server: ManagedServer) => Promise<unknown>): Promise<void> {
    for (const { server, name } of this.servers.list()) {
      if (!server) continue;
      await work(server).catch((error: unknown) => {
        if (!isUnavailable(error))
          this.logger.error(`The access to the server "${name}" has a problem`, error);
      });
    }
  }
}
