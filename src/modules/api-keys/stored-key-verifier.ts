import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { CONFIG, type Config } from '../../config/config.js';
import { ApiKeyVerifier } from '../../http/api-key-verifier.js';
import { type Principal, UNBOUND } from '../../http/request-context.js';
import { generatePassword } from '../../kernel/ids.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { type ParsedKey, parseKey } from './key-format.js';
import { KeyUses } from './key-uses.js';
import { VerifiedKeys } from './verified-keys.js';

export const BCRYPT_COST = 10;

/** The admin key that the environment gives; it has no row. */
export const ENVIRONMENT_KEY: Principal = {
  type: 'api-key',
  id: 'environment',
  name: 'environment',
  scopes: ['*'],
  ...UNBOUND,
};

/** Verifies keys against their rows with bcrypt, and remembers the result. */
@Injectable()
export class StoredKeyVerifier extends ApiKeyVerifier {
  private readonly environmentDigest: Buffer | null;
  private readonly running = new Map<string, Promise<Principal | null>>();
  /** What an unknown key is compared with, so that it takes as long as a known one. */
  private readonly noHash = bcrypt.hash(generatePassword(), BCRYPT_COST);

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly keys: ApiKeysRepository,
    private readonly verified: VerifiedKeys,
    private readonly uses: KeyUses,
  ) {
    super();
    this.environmentDigest = config.apiKey === null ? null : Buffer.from(verified.digest(config.apiKey));
  }

  fingerprint(key: string): string {
    return this.verified.digest(key);
  }

  recall(digest: string): Principal | null {
    if (this.environmentDigest && timingSafeEqual(this.environmentDigest, Buffer.from(digest)))
      return ENVIRONMENT_KEY;
    const principal = this.verified.recall(digest);
    if (principal) this.uses.note(principal.id);
    return principal;
  }

  /** Requests that come with the same key at the same time share one look-up. */
  verify(key: string): Promise<Principal | null> {
    const parsed = parseKey(key);
    if (!parsed) return Promise.resolve(this.recall(this.fingerprint(key)));
    const digest = this.verified.digest(key);
    const known = this.running.get(digest);
    if (known) return known;
    const look = this.lookUp(parsed, digest).finally(() => this.running.delete(digest));
    this.running.set(digest, look);
    return look;
  }

  private async lookUp(key: ParsedKey, digest: string): Promise<Principal | null> {
    if (this.verified.isWrong(digest)) return null;
    const mark = this.verified.mark();
    const remembered = this.verified.recall(digest) ?? (await this.verified.recallShared(key.keyId, digest));
    const principal = remembered ?? (await this.judge(key, digest, mark));
    if (principal) this.uses.note(principal.id);
    return principal;
  }

  private async judge({ keyId, secret }: ParsedKey, digest: string, mark: number): Promise<Principal | null> {
    const row = await this.keys.findByKeyId(keyId);
    const isRight = await bcrypt.compare(secret, row?.secretHash ?? (await this.noHash));
    if (!row || !isRight || !isWorking(row)) {
      this.verified.rememberWrong(digest);
      return null;
    }
    const principal = toPrincipal(row);
    await this.verified.remember(digest, principal, row.expiresAt, mark);
    return principal;
  }
}

function isWorking({ revokedAt, expiresAt }: ApiKeyEntity): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt.getTime() > Date.now());
}

function toPrincipal({ keyId, name, scopes, tenantIds, allowedCidrs, expiresAt }: ApiKeyEntity): Principal {
  return {
    type: 'api-key',
    id: keyId,
    name,
    scopes,
    tenantIds,
    allowedCidrs,
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
