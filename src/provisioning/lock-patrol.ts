import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import type { LockWatch } from '../infra/postgres/lock-watch.js';
import { ServerRegistry } from './server-registry.js';

/** One session fills the table of a stock server in about half a second. */
const EVERY_MS = 250;

/** Watches the locks of each server, so that no tenant takes them from all others. */
@Injectable()
export class LockPatrol implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(LockPatrol.name);
  private readonly watches = new Map<string, LockWatch>();
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.role !== 'api') this.later();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.round;
    await Promise.all([...this.watches.values()].map((watch) => watch.close()));
  }

  private later(): void {
    this.timer = setTimeout(() => {
      this.round = this.look().finally(() => this.timer && this.later());
    }, EVERY_MS);
  }

  private async look(): Promise<void> {
    for (const { server } of this.servers.list()) {
      if (!server) continue;
      const watch = this.watches.get(server.id) ?? server.postgres.watchLocks();
      this.watches.set(server.id, watch);
      try {
        const hog = await watch.relieve();
        if (!hog) continue;
        this.logger.warn(
          `Server "${server.name}": ended ${hog.sessions} sessions of ${hog.role}, which held ${hog.locks} locks of those that all share`,
        );
      } catch (error) {
        this.logger.debug(`The locks of the server "${server.name}" could not be looked at`, error);
      }
    }
  }
}
