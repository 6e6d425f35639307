import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { notFound, RowhouseError } from '../kernel/errors.js';
import { findPrincipal } from './request-state.js';
import { PUBLIC, TENANT_ACCESS, type TenantAccess } from './route.js';

/**
 * Shows a tenant-bound key nothing but its own tenants: other tenants' routes answer as if there were none, and so does
 * every route that does not declare how it treats such a key.
 */
@Injectable()
export class TenantGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const tenantIds = findPrincipal(request)?.tenantIds ?? null;
    const targets = [context.getHandler(), context.getClass()];
    if (tenantIds === null || this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const access = this.reflector.getAllAndOverride<TenantAccess | undefined>(TENANT_ACCESS, targets);
    if (access === undefined) throw closed();
    if (access.kind === 'tenant') assertOwn(tenantIds, (request.params as Params)[access.parameter] ?? '');
    return true;
  }
}

type Params = Readonly<Record<string, string>>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is no UUID at all passes: the route refuses it as it does for everybody. */
function assertOwn(tenantIds: readonly string[], text: string): void {
  const id = text.toLowerCase();
  if (UUID.test(id) && !tenantIds.includes(id)) throw notFound('tenant', id);
}

function closed(): RowhouseError {
  return new RowhouseError('NOT_FOUND', 'There is nothing here for an API key that is bound to tenants.');
}
