import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { unauthenticated } from './authentication.js';
import { clearPrincipal, findPrincipal } from './request-state.js';
import { PUBLIC } from './route.js';

/** Lets nobody in whom Admission does not know, except on open routes. Open routes know nobody. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const targets = [context.getHandler(), context.getClass()];
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, targets);
    if (isPublic) clearPrincipal(request);
    else if (!findPrincipal(request)) throw unauthenticated();
    return true;
  }
}
