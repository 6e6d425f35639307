import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config/config.js';
import { ServerRegistry } from '../server-registry.js';
import { Reconciler } from './reconciler.js';

const EVERY_HOUR_MS = 60 * 60_000;

/** Looks for differences from time to time and tells the log; it repairs by itself what tenants can change without leave. */
@Injectable()
export class ReconciliationJob {
  private readonly logger = new Logger(ReconciliationJob.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
    private readonly reconciler: Reconciler,
  ) {}

  @Interval(EVERY_HOUR_MS)
  async run(): Promise<void> {
    if (this.config.role === 'api') return;
    for (const { server, name } of this.servers.list()) {
      if (!server) continue;
      try {
        const { findings } = await this.reconciler.reportAndUndo(server);
        for (const { kind, name: subject, detail, repair } of findings) {
          this.logger.warn(`Server "${name}": ${kind} ${subject}: ${detail} Repair: ${repair}.`);
        }
      } catch (error) {
        this.logger.error(`The server "${name}" could not be compared with the control database`, error);
      }
    }
  }
}
