import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { RowhouseError } from '../kernel/errors.js';
import { type Count, HitCounters } from './hit-counters.js';

const MINUTE_MS = 60_000;
/** Whoever sends no key at all reads the docs or is mistaken; the limit of the others is for good clients. */
const KEYLESS_LIMIT = 600;

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
    return this.countWithin(this.limit, tracker, reply);
  }

  /** A request without any key counts among those of its address, and has a lower limit of its own. */
  countKeyless(tracker: string, reply: FastifyReply): void | Promise<void> {
    const counted = this.count(tracker, reply);
    const countAgain = () =>
      this.countWithin(Math.min(this.limit, KEYLESS_LIMIT), `keyless:${tracker}`, reply);
    return counted instanceof Promise ? counted.then(countAgain) : countAgain();
  }

  private countWithin(limit: number, tracker: string, reply: FastifyReply): void | Promise<void> {
    const count = this.counters.add(tracker, MINUTE_MS);
    return count instanceof Promise
      ? count.then((known) => judge(known, limit, reply))
      : judge(count, limit, reply);
  }
}

function judge({ hits, secondsLeft }: Count, limit: number, reply: FastifyReply): void {
  reply.headers({
    'RateLimit-Limit': limit,
    'RateLimit-Remaining': Math.max(0, limit - hits),
    'RateLimit-Reset': secondsLeft,
  });
  if (hits <= limit) return;
  throw new RowhouseError(
    'RATE_LIMITED',
    `At most ${limit} requests a minute are served; wait ${secondsLeft} s.`,
    { headers: { 'Retry-After': String(secondsLeft) } },
  );
}
