import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { RowhouseError } from '../kernel/errors.js';
import { findPrincipal } from './request-state.js';
import { PUBLIC, REQUIRED_SCOPE } from './route.js';
import { grants, type Scope } from './scopes.js';

/** Lets a key do only what its scopes grant. A route that declares none stays shut. */
@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const needed = this.reflector.getAllAndOverride<Scope | undefined>(REQUIRED_SCOPE, targets);
    const scopes = findPrincipal(context.switchToHttp().getRequest<FastifyRequest>())?.scopes ?? [];
    if (needed && grants(scopes, needed)) return true;
    throw new RowhouseError('INSUFFICIENT_SCOPE', `This needs an API key with the scope ${needed ?? '*'}.`);
  }
}
