import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../config/config.js';
import { ServerRegistry } from './server-registry.js';
import { StuckSessions } from './stuck-sessions.js';

const EVERY_FIVE_SECONDS_MS = 5_000;

/** Looks whether the sessions that outlived their termination have ended. */
@Injectable()
export class StuckPatrol {
  private readonly logger = new Logger(StuckPatrol.name);
  private isLooking = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
    private readonly stuck: StuckSessions,
  ) {}

  @Interval(EVERY_FIVE_SECONDS_MS)
  async look(): Promise<void> {
    if (this.config.role === 'api' || this.isLooking) return;
    this.isLooking = true;
    for (const { server, name } of this.servers.list()) {
      if (!server) continue;
      await this.stuck.look(server).catch((error: unknown) => {
        this.logger.debug(`The sessions of the server "${name}" could not be looked at`, error);
      });
    }
    this.isLooking = false;
  }
}
