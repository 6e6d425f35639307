import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const MAX_REMEMBERED = 50_000;
const REMEMBER_MS = 24 * 60 * 60_000;

/**
 * Which keys worked from which address lately. They are spared by a ban of it: one client's stale key must not shut out
 * everybody behind the same NAT or proxy. It is no proof of anything: a spared key is verified as any other.
 */
@Injectable()
export class FamiliarKeys {
  private readonly seen = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: REMEMBER_MS });

  note(block: string, fingerprint: string): void {
    const name = nameOf(block, fingerprint);
    if (!this.seen.has(name)) this.seen.set(name, true);
  }

  has(block: string, fingerprint: string): boolean {
    return this.seen.has(nameOf(block, fingerprint));
  }
}

function nameOf(block: string, fingerprint: string): string {
  return `${block} ${fingerprint}`;
}
