import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { RedisConnection } from '../infra/redis/redis-connection.js';

/** Adds hits to the window that all processes share, and answers with its hits and the milliseconds left of it. */
const ADD_HITS = `
  local hits = redis.call('INCRBY', KEYS[1], ARGV[2])
  if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return {hits, redis.call('PTTL', KEYS[1])}`;

const MAX_TRACKED = 100_000;
const SHARE_EVERY_MS = 50;

export interface Count {
  /** Those of all processes, with this one. */
  readonly hits: number;
  /** Until the window ends, at least 1. */
  readonly secondsLeft: number;
}

interface Window {
  /** All processes' hits, as Redis last told. */
  shared: number;
  /** This process's hits that Redis has not been told of. */
  own: number;
  endsAt: number;
  readonly ttl: number;
  /** Whether Redis was asked in this window. */
  isKnown: boolean;
}

/** Counts in fixed windows, in all processes together. Without Redis each counts by itself. */
@Injectable()
export class HitCounters implements OnApplicationShutdown {
  private readonly logger = new Logger('HitCounters');
  private readonly windows = new LRUCache<string, Window>({ max: MAX_TRACKED });
  private readonly unshared = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  private isFallback = false;

  constructor(private readonly redis: RedisConnection) {}

  onApplicationShutdown(): void {
    if (this.timer) clearTimeout(this.timer);
  }

  /**
   * One hit more, for the path of every request: each process counts in memory and adds its hits to Redis every 50 ms, so
   * that only a name's first hit waits for Redis; several processes together may miss what arrives in that time. A
   * promise on each request would cost as much as the counting.
   */
  add(name: string, windowMs: number): Count | Promise<Count> {
    const window = this.windowOf(name, windowMs);
    window.own += 1;
    if (!this.redis.client) return toCount(window);
    if (!window.isKnown && this.redis.ready) return this.learn(name, window);
    this.shareSoon(name);
    return toCount(window);
  }

  /** One hit more, exactly: Redis is asked each time. */
  async addExactly(name: string, windowMs: number): Promise<Count> {
    const window = this.windowOf(name, windowMs);
    window.own += 1;
    if (this.redis.ready) await this.shareAll([name]);
    return toCount(window);
  }

  /** Begins again at nought. */
  async forget(name: string): Promise<void> {
    this.windows.delete(name);
    await this.redis.ready?.del(redisName(name)).catch(() => {});
  }

  private windowOf(name: string, ttl: number): Window {
    const now = Date.now();
    const found = this.windows.get(name);
    if (found && found.endsAt > now) return found;
    const window: Window = { shared: 0, own: 0, endsAt: now + ttl, ttl, isKnown: false };
    this.windows.set(name, window);
    return window;
  }

  /** A process that has not heard of a name in this window asks first; after that it tells in the background. */
  private async learn(name: string, window: Window): Promise<Count> {
    window.isKnown = true;
    await this.shareAll([name]);
    return toCount(window);
  }

  private shareSoon(name: string): void {
    this.unshared.add(name);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const names = [...this.unshared];
      this.unshared.clear();
      void this.shareAll(names);
    }, SHARE_EVERY_MS);
  }

  private async shareAll(names: readonly string[]): Promise<void> {
    const outcomes = await Promise.allSettled(names.map((name) => this.shareWindow(name)));
    this.reportFallback(outcomes.some((outcome) => outcome.status === 'rejected'));
  }

  private async shareWindow(name: string): Promise<void> {
    const window = this.windows.get(name);
    if (!window || window.own === 0) return;
    if (!this.redis.ready) throw new Error('not connected');
    const { own, ttl } = window;
    const answer = await this.redis.ready.call('EVAL', ADD_HITS, 1, redisName(name), ttl, own);
    const [hits = own, left = ttl] = answer as number[];
    window.shared = hits;
    window.own -= own;
    window.endsAt = Date.now() + left;
  }

  private reportFallback(isFallback: boolean): void {
    if (isFallback && !this.isFallback)
      this.logger.warn('Redis is away: each process counts requests by itself');
    this.isFallback = isFallback;
  }
}

function toCount({ shared, own, endsAt }: Window): Count {
  return { hits: shared + own, secondsLeft: Math.max(1, Math.ceil((endsAt - Date.now()) / 1000)) };
}

function redisName(name: string): string {
  return `rowhouse:hits:${name}`;
}
