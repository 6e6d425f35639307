import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../../config/config.js';
import type { Principal } from '../../http/request-context.js';
import { RedisConnection } from '../../infra/redis/redis-connection.js';

const REMEMBER_MS = 60_000;
const REMEMBER_WRONG_MS = 10_000;
const MAX_REMEMBERED = 10_000;
const CHANNEL = 'rowhouse:api-keys:forget';

/** Whose a key is, and until when that may be believed without asking again (milliseconds since 1970). */
export interface Verdict {
  readonly principal: Principal;
  readonly until: number;
}

/**
 * Remembers which keys were verified lately, by a keyed digest and never by the key: a minute in memory, and in Redis
 * for the other processes, where a message authentication code keeps a forged entry from being believed.
 */
@Injectable()
export class VerifiedKeys implements OnModuleInit {
  private readonly memory = new LRUCache<string, Verdict>({ max: MAX_REMEMBERED, ttl: REMEMBER_MS });
  /** A client that goes on with a wrong key does not cost a bcrypt comparison each time. */
  private readonly wrong = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: REMEMBER_WRONG_MS });
  private readonly digestPrefix: string;
  private readonly macKey: Buffer;
  /** Without a common secret, what one process writes to Redis means nothing to another. */
  private readonly isShared: boolean;
  private forgotten = 0;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly redis: RedisConnection,
  ) {
    this.isShared = config.encryptionKey !== null;
    const master = config.encryptionKey ?? randomBytes(32);
    this.digestPrefix = derive(master, 'rowhouse api key digests').toString('base64url');
    // The number says how a principal looks: what a process of another version remembered is not believed.
    this.macKey = derive(master, 'rowhouse verified api keys 2');
  }

  onModuleInit(): void {
    this.redis.subscribe(
      CHANNEL,
      (keyId) => this.forgetHere(keyId),
      () => this.forgetAllHere(),
    );
  }

  /** What a key is remembered by; on the path of every request, so one hash with a secret prefix rather than HMAC. */
  digest(key: string): string {
    return hash('sha256', this.digestPrefix + key, 'base64url');
  }

  recall(digest: string): Principal | null {
    const verdict = this.memory.get(digest);
    return verdict && verdict.until > Date.now() ? verdict.principal : null;
  }

  isWrong(digest: string): boolean {
    return this.wrong.has(digest);
  }

  rememberWrong(digest: string): void {
    this.wrong.set(digest, true);
  }

  async recallShared(keyId: string, digest: string): Promise<Principal | null> {
    if (!this.isShared || !this.redis.ready) return null;
    const mark = this.mark();
    const text = await this.redis.ready.get(entryName(keyId)).catch(() => null);
    const verdict = text === null ? null : this.decode(text, digest);
    if (!verdict || verdict.until <= Date.now()) return null;
    this.rememberHere(digest, verdict, mark);
    return verdict.principal;
  }

  /** Taken before a key is looked up: what was forgotten since then is not remembered. */
  mark(): number {
    return this.forgotten;
  }

  async remember(digest: string, principal: Principal, expiresAt: Date | null, mark: number): Promise<void> {
    const until = Math.min(Date.now() + REMEMBER_MS, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
    this.rememberHere(digest, { principal, until }, mark);
    if (!this.isShared || !this.redis.ready) return;
    // NX: a revocation leaves its mark there, which an answer that was read before it must not replace.
    await this.redis.ready
      .set(entryName(principal.id), this.encode(digest, { principal, until }), 'PX', REMEMBER_MS, 'NX')
      .catch(() => {});
  }

  /** Forgets a key in every process: it was revoked, or has a new secret. */
  async forget(keyId: string): Promise<void> {
    this.forgetHere(keyId);
    const redis = this.redis.ready;
    if (!redis) return;
    await redis.set(entryName(keyId), 'forgotten', 'PX', REMEMBER_MS).catch(() => {});
    await redis.publish(CHANNEL, keyId).catch(() => {});
  }

  private rememberHere(digest: string, verdict: Verdict, mark: number): void {
    if (mark !== this.forgotten) return;
    this.memory.set(digest, verdict);
  }

  private forgetHere(keyId: string): void {
    this.forgotten += 1;
    for (const [digest, { principal }] of this.memory) if (principal.id === keyId) this.memory.delete(digest);
  }

  private forgetAllHere(): void {
    this.forgotten += 1;
    this.memory.clear();
  }

  private encode(digest: string, verdict: Verdict): string {
    const payload = JSON.stringify(verdict);
    return `${this.mac(`${digest}\n${payload}`)} ${payload}`;
  }

  private decode(text: string, digest: string): Verdict | null {
    const [mac = '', ...rest] = text.split(' ');
    const payload = rest.join(' ');
    return isSame(mac, this.mac(`${digest}\n${payload}`)) ? (JSON.parse(payload) as Verdict) : null;
  }

  private mac(text: string): string {
    return createHmac('sha256', this.macKey).update(text).digest('base64url');
  }
}

function derive(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', purpose, 32));
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function entryName(keyId: string): string {
  return `rowhouse:api-keys:verified:${keyId}`;
}
