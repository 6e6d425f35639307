import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { API, UNPREFIXED } from './paths.js';
import { PUBLIC } from './route.js';
import { routesOf } from './routes-of.js';

/** Knows by a route's path whether it needs a key, before anything of the request was read but its head. */
@Injectable()
export class ClosedRoutes implements OnModuleInit {
  private readonly paths = new Set<string>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    for (const { path, targets } of routesOf(this.discovery, this.scanner)) {
      if (!this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) this.paths.add(urlOf(path));
    }
  }

  /** `url`: as Fastify knows the route, with its parameters; undefined where there is none. */
  has(url: string | undefined): boolean {
    return url !== undefined && this.paths.has(url);
  }
}

function urlOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const bare = parts.join('/');
  return UNPREFIXED.includes(bare) ? `/${bare}` : `/${[API, ...parts].join('/')}`;
}
