import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { AddressBans } from './address-bans.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { Authentication } from './authentication.js';
import { addressBlock, isAllowedFrom } from './client-address.js';
import { ClosedRoutes } from './closed-routes.js';
import { FamiliarKeys } from './familiar-keys.js';
import { HEALTH_ROUTES } from './paths.js';
import { findPresentedKey } from './presented-key.js';
import { RateLimiter } from './rate-limiter.js';
import { setPrincipal } from './request-state.js';

interface Counted {
  readonly key: string | null;
  /** Null while the key is not known to be good. */
  readonly keyId: string | null;
  readonly block: string;
}

/**
 * What every request passes before its body is read, whatever it asks for: bans, then the limit of its key, or of its
 * address while the key is not known to be good, then the key itself where the route needs one. Health checks pass freely.
 */
@Injectable()
export class Admission {
  constructor(
    private readonly verifier: ApiKeyVerifier,
    private readonly bans: AddressBans,
    private readonly familiar: FamiliarKeys,
    private readonly limiter: RateLimiter,
    private readonly authentication: Authentication,
    private readonly closed: ClosedRoutes,
  ) {}

  admit(request: FastifyRequest, reply: FastifyReply): void | Promise<void> {
    if (HEALTH_ROUTES.has(request.routeOptions.url ?? '')) return;
    const block = addressBlock(request.ip);
    const key = findPresentedKey(request.headers);
    const fingerprint = key === null ? null : this.verifier.fingerprint(key);
    this.assertNotBanned(block, fingerprint);
    const keyId = fingerprint === null ? null : this.recognise(request, block, fingerprint);
    const counted = this.count({ key, keyId, block }, reply);
    if (keyId !== null || !this.closed.has(request.routeOptions.url)) return counted;
    const authenticate = () => this.authentication.authenticate(request);
    return counted ? counted.then(authenticate) : authenticate();
  }

  private count({ key, keyId, block }: Counted, reply: FastifyReply): void | Promise<void> {
    if (keyId !== null) return this.limiter.count(`key:${keyId}`, reply);
    const tracker = `address:${block}`;
    return key === null ? this.limiter.countKeyless(tracker, reply) : this.limiter.count(tracker, reply);
  }

  /** A key that is used from where it may not be does not use up its owner's limit. */
  private recognise(request: FastifyRequest, block: string, fingerprint: string): string | null {
    const principal = this.verifier.recall(fingerprint);
    if (!principal || !isAllowedFrom(principal, request.ip)) return null;
    setPrincipal(request, principal);
    this.familiar.note(block, fingerprint);
    return principal.id;
  }

  private assertNotBanned(block: string, fingerprint: string | null): void {
    const until = this.bans.bannedUntil(block);
    if (until === null || (fingerprint !== null && this.familiar.has(block, fingerprint))) return;
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    throw new RowhouseError(
      'ADDRESS_BANNED',
      `Too many wrong API keys came from your address; wait ${seconds} s.`,
      { headers: { 'Retry-After': String(seconds) } },
    );
  }
}
