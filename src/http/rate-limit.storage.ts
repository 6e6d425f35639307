import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { LRUCache } from 'lru-cache';
import { RedisConnection } from '../infra/redis/redis-connection.js';

type ThrottlerRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Adds hits to the window that all processes share, and answers with its hits and the milliseconds left of it. */
const ADD_HITS = `
  local hits = redis.call('INCRBY', KEYS[1], ARGV[2])
  if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return {hits, redis.call('PTTL', KEYS[1])}`;

const MAX_TRACKED = 100_000;
const SHARE_EVERY_MS = 50;

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

/**
 * Fixed windows. Each process counts in memory and adds its hits to Redis every 50 ms, so that only a key's first request
 * waits for Redis; several processes together may let through what arrives in that time. Without Redis each counts by
 * itself.
 */
@Injectable()
export class RateLimitStorage implements ThrottlerStorage, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimit');
  private readonly windows = new LRUCache<string, Window>({ max: MAX_TRACKED });
  private readonly unshared = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  private isFallback = false;

  constructor(private readonly redis: RedisConnection) {}

  onApplicationShutdown(): void {
    if (this.timer) clearTimeout(this.timer);
  }

  async increment(key: string, ttl: number, limit: number): Promise<ThrottlerRecord> {
    const window = this.windowOf(key, ttl);
    window.own += 1;
    if (this.redis.client) await this.share(key, window);
    const totalHits = window.shared + window.own;
    const seconds = Math.max(1, Math.ceil((window.endsAt - Date.now()) / 1000));
    const isBlocked = totalHits > limit;
    return { totalHits, timeToExpire: seconds, isBlocked, timeToBlockExpire: isBlocked ? seconds : 0 };
  }

  private windowOf(key: string, ttl: number): Window {
    const now = Date.now();
    const found = this.windows.get(key);
    if (found && found.endsAt > now) return found;
    const window: Window = { shared: 0, own: 0, endsAt: now + ttl, ttl, isKnown: false };
    this.windows.set(key, window);
    return window;
  }

  /** A process that has not heard of a key in this window asks first; after that it tells in the background. */
  private async share(key: string, window: Window): Promise<void> {
    if (!window.isKnown && this.redis.ready) {
      window.isKnown = true;
      await this.shareAll([key]);
      return;
    }
    this.unshared.add(key);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const keys = [...this.unshared];
      this.unshared.clear();
      void this.shareAll(keys);
    }, SHARE_EVERY_MS);
  }

  private async shareAll(keys: readonly string[]): Promise<void> {
    const outcomes = await Promise.allSettled(keys.map((key) => this.shareWindow(key)));
    this.reportFallback(outcomes.some((outcome) => outcome.status === 'rejected'));
  }

  private async shareWindow(key: string): Promise<void> {
    const window = this.windows.get(key);
    if (!window || window.own === 0) return;
    if (!this.redis.ready) throw new Error('not connected');
    const { own, ttl } = window;
    const name = `rowhouse:rate:${key}`;
    const [hits = own, left = ttl] = (await this.redis.ready.call(
      'EVAL',
      ADD_HITS,
      1,
      name,
      ttl,
      own,
    )) as number[];
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
