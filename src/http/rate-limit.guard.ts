import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ThrottlerLimitDetail, ThrottlerModuleOptions, ThrottlerStorage } from '@nestjs/throttler';
import { InjectThrottlerOptions, InjectThrottlerStorage, ThrottlerGuard } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { findPresentedKey } from './presented-key.js';
import { setPrincipal } from './request-state.js';

/**
 * Limits requests by key, or by address while the key is not known to be good. It stands before authentication, so that
 * guessing keys is limited too.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override headerPrefix = 'RateLimit';

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly verifier: ApiKeyVerifier,
  ) {
    super(options, storage, reflector);
  }

  protected override async getTracker(request: FastifyRequest): Promise<string> {
    const key = findPresentedKey(request.headers);
    const principal = key === null ? null : this.verifier.recall(key);
    if (!principal) return `address:${request.ip}`;
    setPrincipal(request, principal);
    return `key:${principal.id}`;
  }

  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return tracker;
  }

  protected override async throwThrottlingException(
    _context: ExecutionContext,
    { limit, timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new RowhouseError(
      'RATE_LIMITED',
      `At most ${limit} requests a minute are served; wait ${timeToBlockExpire} s.`,
      { headers: { 'Retry-After': String(timeToBlockExpire) } },
    );
  }
}
