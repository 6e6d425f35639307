import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { PUBLIC, REQUIRED_SCOPE } from './route.js';
import { type DeclaredRoute, routesOf } from './routes-of.js';

/** Stops the start when a route declares neither a scope nor that it is open. */
@Injectable()
export class RouteScopesCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const bare = routesOf(this.discovery, this.scanner).filter((route) => this.isBare(route));
    if (bare.length === 0) return;
    const names = bare.map(({ name }) => name).join(', ');
    throw new Error(`Routes without a scope: ${names}. Declare @RequireScope('…') or @Public() on each.`);
  }

  private isBare({ targets }: DeclaredRoute): boolean {
    return [PUBLIC, REQUIRED_SCOPE].every(
      (key) => this.reflector.getAllAndOverride<unknown>(key, targets) === undefined,
    );
  }
}
