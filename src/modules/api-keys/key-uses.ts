import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ApiKeysRepository } from './api-keys.repository.js';

const WRITE_EVERY_MS = 10_000;

/** Notes when keys are used, and writes it now and then, all at once: no request waits for it. */
@Injectable()
export class KeyUses implements BeforeApplicationShutdown {
  private readonly logger = new Logger('KeyUses');
  private uses = new Map<string, Date>();

  constructor(private readonly keys: ApiKeysRepository) {}

  note(keyId: string): void {
    this.uses.set(keyId, new Date());
  }

  @Interval(WRITE_EVERY_MS)
  async write(): Promise<void> {
    if (this.uses.size === 0) return;
    const uses = this.uses;
    this.uses = new Map();
    try {
      await this.keys.touch(uses);
    } catch (error) {
      this.uses = new Map([...uses, ...this.uses]);
      this.logger.debug('When keys were used could not be written; it is tried again', error);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.write();
  }
}
