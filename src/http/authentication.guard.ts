import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, AuthModuleOptions } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import type { Principal } from './request-context.js';
import { clearPrincipal, findPrincipal, setPrincipal } from './request-state.js';
import { PUBLIC } from './route.js';

/** Lets nobody in without a key, except on open routes. */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    options: AuthModuleOptions,
    private readonly reflector: Reflector,
  ) {
    super(options);
  }

  /** A key that was recognised already, since it was verified lately, needs no second look. Open routes know nobody. */
  override canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const targets = [context.getHandler(), context.getClass()];
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, targets);
    if (isPublic) clearPrincipal(request);
    return isPublic || findPrincipal(request) ? true : super.canActivate(context);
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
    setPrincipal(context.switchToHttp().getRequest<FastifyRequest>(), principal as unknown as Principal);
    return principal;
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
