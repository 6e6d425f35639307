import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { RowhouseError } from '../kernel/errors.js';
import { type Count, HitCounters } from './hit-counters.js';

const MINUTE_MS = 60_000;

/** Limits the requests of a minute, and tells the client how many are left. */
@Injectable()
export class RateLimiter {
  private readonly limit: number;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly counters: HitCounters,
  ) {
    this.limit = config.http.rateLimitPerMinute;
  }

  /** `tracker` names whose requests are counted together. Throws RATE_LIMITED. */
  count(tracker: string, reply: FastifyReply): void | Promise<void> {
    const count = this.counters.add(tracker, MINUTE_MS);
    return count instanceof Promise
      ? count.then((known) => this.judge(known, reply))
      : this.judge(count, reply);
  }

  private judge({ hits, secondsLeft }: Count, reply: FastifyReply): void {
    reply.headers({
      'RateLimit-Limit': this.limit,
      'RateLimit-Remaining': Math.max(0, this.limit - hits),
      'RateLimit-Reset': secondsLeft,
    });
    if (hits <= this.limit) return;
    throw new RowhouseError(
      'RATE_LIMITED',
      `At most ${this.limit} requests a minute are served; wait ${secondsLeft} s.`,
      { headers: { 'Retry-After': String(secondsLeft) } },
    );
  }
}
