import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config/config.js';
import { Coalescer } from '../../provisioning/coalescer.js';
import { describeKeys } from './key-report.js';
import { Resealer } from './resealer.js';

/** Processes that still run with a former key go on sealing with it, so once is not enough. */
const EVERY_MS = 10 * 60_000;

/** At start, says which keys the stored secrets need; a worker brings them to the present key in the background. */
@Injectable()
export class ResealJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Encryption');
  private readonly rounds = new Coalescer(() => this.work());

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly resealer: Resealer,
  ) {}

  onApplicationBootstrap(): void {
    void this.rounds.run();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.idle();
  }

  @Interval(EVERY_MS)
  again(): Promise<void> {
    return this.rounds.run();
  }

  private async work(): Promise<void> {
    try {
      const outcome = this.config.role === 'api' ? null : await this.resealer.run();
      if (outcome && outcome.resealed > 0)
        this.logger.log(`${outcome.resealed} secrets were sealed anew with the present ENCRYPTION_KEY`);
      for (const { text, isProblem } of describeKeys(await this.resealer.report())) {
        if (isProblem) this.logger.error(text);
        else if (outcome && outcome.resealed > 0) this.logger.log(text);
      }
    } catch (error) {
      this.logger.warn('The stored secrets could not be looked at; it is tried again', error);
    }
  }
}
