import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, AuthModuleOptions } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { addressBlock, assertAllowedFrom } from './client-address.js';
import { FamiliarKeys } from './familiar-keys.js';
import { KeyFailures } from './key-failures.js';
import { findPresentedKey } from './presented-key.js';
import type { Principal } from './request-context.js';
import { clearPrincipal, findPrincipal, setPrincipal } from './request-state.js';
import { PUBLIC } from './route.js';

/** Lets nobody in without a key, except on open routes. */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    options: AuthModuleOptions,
    private readonly reflector: Reflector,
    private readonly verifier: ApiKeyVerifier,
    private readonly familiar: FamiliarKeys,
    private readonly failures: KeyFailures,
  ) {
    super(options);
  }

  /** A key that was recognised already, since it was verified lately, needs no second look. Open routes know nobody. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic) clearPrincipal(request);
    if (isPublic || findPrincipal(request)) return true;
    const key = findPresentedKey(request.headers);
    await this.authenticate(context, request, key);
    if (key !== null) this.familiar.note(addressBlock(request.ip), this.verifier.fingerprint(key));
    return true;
  }

  /** Passport's report: an error when the key could not be looked up, no principal when it is none. */
  override handleRequest<T>(
    error: unknown,
    principal: T | false,
    _info: unknown,
    context: ExecutionContext,
  ): T {
    if (error) throw error;
    if (!principal) throw unauthenticated();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    assertAllowedFrom(principal as unknown as Principal, request.ip);
    setPrincipal(request, principal as unknown as Principal);
    return principal;
  }

  private async authenticate(context: ExecutionContext, request: FastifyRequest, key: string | null) {
    try {
      await super.canActivate(context);
    } catch (error) {
      const isWrong = error instanceof RowhouseError && error.code === 'UNAUTHENTICATED' && key !== null;
      if (isWrong) await this.failures.note(request);
      throw error;
    }
  }
}

/** The same answer for a missing, malformed, unknown, wrong, revoked and expired key. */
function unauthenticated(): RowhouseError {
  return new RowhouseError(
    'UNAUTHENTICATED',
    'Send a valid API key in the header X-API-Key, or as Authorization: Bearer.',
    { headers: { 'WWW-Authenticate': 'Bearer realm="rowhouse"' } },
  );
}
