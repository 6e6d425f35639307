import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { StreamedEvent } from '../../http/event-stream.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import type { MigrationDto } from './dto/migration.dto.js';
import { isAtRest } from './migration-state.js';

const POLL_MS = 250;

/** Follows migrations, whichever process runs them. */
@Injectable()
export class MigrationWatcher implements OnModuleDestroy {
  private readonly stop = new AbortController();

  onModuleDestroy(): void {
    this.stop.abort();
  }

  /**
   * Yields `state` when its state is another than before, `progress` for any other change, and a last `end` when it
   * rests; ends earlier when the signal aborts or the process stops.
   */
  async *watch(read: () => Promise<MigrationDto>, left: AbortSignal): AsyncGenerator<StreamedEvent> {
    const signal = AbortSignal.any([left, this.stop.signal]);
    let before: MigrationDto | null = null;
    while (!signal.aborted) {
      const migration = await readIfPossible(read);
      if (migration && !isDeepStrictEqual(before, migration)) {
        yield { type: before?.state === migration.state ? 'progress' : 'state', data: migration };
        if (isAtRest(migration.state)) return yield { type: 'end', data: migration };
        before = migration;
      }
      await pause(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }
}

async function readIfPossible(read: () => Promise<MigrationDto>): Promise<MigrationDto | null> {
  try {
    return await read();
  } catch (error) {
    if (isUnavailable(error)) return null;
    throw error;
  }
}
