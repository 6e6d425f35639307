import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { AddressBans } from './address-bans.js';
import { addressBlock } from './client-address.js';
import { HitCounters } from './hit-counters.js';

const WINDOW_MS = 10 * 60_000;
const DELAY_STEP_MS = 100;
const MAX_DELAY_MS = 2_000;
/** Beyond these, failures are answered at once, so that slowing down guessers does not hold their sockets for them. */
const MAX_DELAYED = 50;

/** Counts wrong keys by address: each answer comes later than the one before, and too many of them ban the address. */
@Injectable()
export class KeyFailures {
  private delayed = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly counters: HitCounters,
    private readonly bans: AddressBans,
  ) {}

  /** Ends when the client may be answered. */
  async note(request: FastifyRequest): Promise<void> {
    const { limit } = this.config.keyFailures;
    if (limit === 0) return;
    const block = addressBlock(request.ip);
    const name = `key-failures:${block}`;
    const { hits } = await this.counters.addExactly(name, WINDOW_MS);
    if (hits >= limit) {
      await this.counters.forget(name);
      this.bans.ban(block, { failures: hits, requestId: request.id, address: request.ip ?? null });
    }
    await this.slowDown(hits);
  }

  private async slowDown(failures: number): Promise<void> {
    if (this.delayed >= MAX_DELAYED) return;
    this.delayed += 1;
    await setTimeout(Math.min(failures * DELAY_STEP_MS, MAX_DELAY_MS));
    this.delayed -= 1;
  }
}
