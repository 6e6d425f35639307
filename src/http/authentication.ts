import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { addressBlock, assertAllowedFrom } from './client-address.js';
import { FamiliarKeys } from './familiar-keys.js';
import { KeyFailures } from './key-failures.js';
import { findPresentedKey } from './presented-key.js';
import { setPrincipal } from './request-state.js';

/** Finds out whose key a request has. */
@Injectable()
export class Authentication {
  constructor(
    private readonly verifier: ApiKeyVerifier,
    private readonly familiar: FamiliarKeys,
    private readonly failures: KeyFailures,
  ) {}

  /** Throws UNAUTHENTICATED, and for a good key that may not come from there what says so. */
  async authenticate(request: FastifyRequest): Promise<void> {
    const key = findPresentedKey(request.headers);
    if (key === null) throw unauthenticated();
    const principal = await this.verifier.verify(key);
    if (!principal) {
      await this.failures.note(request);
      throw unauthenticated();
    }
    assertAllowedFrom(principal, request.ip);
    setPrincipal(request, principal);
    this.familiar.note(addressBlock(request.ip), this.verifier.fingerprint(key));
  }
}

/** The same answer for a missing, malformed, unknown, wrong, revoked and expired key. */
export function unauthenticated(): RowhouseError {
  return new RowhouseError(
    'UNAUTHENTICATED',
    'Send a valid API key in the header X-API-Key, or as Authorization: Bearer.',
    { headers: { 'WWW-Authenticate': 'Bearer realm="rowhouse"' } },
  );
}
