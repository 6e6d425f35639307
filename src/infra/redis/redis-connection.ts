import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { CONFIG, type Config } from '../../config/config.js';

/** A command fails rather than waits: everything that Redis does here can be done without it. */
const OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  enableAutoPipelining: true,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  commandTimeout: 1_000,
  retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
};

/** The connection to Redis, if there is one. Redis may go and come back at any time; the process lives on. */
@Injectable()
export class RedisConnection implements OnModuleInit, OnApplicationShutdown {
  /** Null without REDIS_URL. Commands on it fail at once while Redis is away. */
  readonly client: Redis | null;
  private readonly logger = new Logger('Redis');
  private readonly subscribers: Redis[] = [];
  private away = false;

  constructor(@Inject(CONFIG) config: Config) {
    this.client = config.redisUrl ? new Redis(config.redisUrl, OPTIONS) : null;
  }

  /** The client while Redis answers, else null. */
  get ready(): Redis | null {
    return this.client?.status === 'ready' ? this.client : null;
  }

  onModuleInit(): void {
    if (!this.client) return;
    this.client.on('error', (error) => this.reportAway(error));
    this.client.on('ready', () => this.reportBack());
    connect(this.client);
  }

  /**
   * Listens to a channel. `onGap` runs whenever the subscription (again) begins: messages before it were missed.
   */
  subscribe(channel: string, onMessage: (message: string) => void, onGap: () => void): void {
    if (!this.client) return;
    const subscriber = this.client.duplicate();
    this.subscribers.push(subscriber);
    subscriber.on('error', () => {});
    subscriber.on('message', (_channel, message: string) => onMessage(message));
    subscriber.on('ready', () =>
      subscriber.subscribe(channel).then(onGap, () => subscriber.disconnect(true)),
    );
    connect(subscriber);
  }

  /** Milliseconds for a round trip. Throws when Redis does not answer. */
  async ping(): Promise<number> {
    if (!this.client) throw new Error('Redis is not configured');
    const start = performance.now();
    await this.client.ping();
    return performance.now() - start;
  }

  onApplicationShutdown(): void {
    for (const client of [this.client, ...this.subscribers]) client?.disconnect();
  }

  private reportAway(error: Error): void {
    if (this.away) return;
    this.away = true;
    this.logger.warn(`Redis does not answer (${error.message || 'connection refused'}); going on without it`);
  }

  private reportBack(): void {
    if (this.away) this.logger.log('Redis is back');
    this.away = false;
  }
}

function connect(client: Redis): void {
  client.connect().catch(() => {});
}
