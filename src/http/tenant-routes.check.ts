import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { TENANT_ACCESS, type TenantAccess } from './route.js';
import { type DeclaredRoute, routesOf } from './routes-of.js';

/** Stops the start when a route says that a parameter is its tenant's id, and has no such parameter. */
@Injectable()
export class TenantRoutesCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const wrong = routesOf(this.discovery, this.scanner).filter((route) => this.lacksParameter(route));
    if (wrong.length === 0) return;
    const names = wrong.map(({ name }) => name).join(', ');
    throw new Error(`Routes whose @TenantRoute names no parameter of their path: ${names}.`);
  }

  private lacksParameter({ path, targets }: DeclaredRoute): boolean {
    const access = this.reflector.getAllAndOverride<TenantAccess | undefined>(TENANT_ACCESS, targets);
    return access?.kind === 'tenant' && !path.split('/').includes(`:${access.parameter}`);
  }
}
