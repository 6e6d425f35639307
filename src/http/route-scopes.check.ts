import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { PUBLIC, REQUIRED_SCOPE } from './route.js';

/** Stops the start when a route declares neither a scope nor that it is open. */
@Injectable()
export class RouteScopesCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const bare = this.discovery.getControllers().flatMap(({ metatype }) => this.bareRoutes(metatype));
    if (bare.length === 0) return;
    throw new Error(
      `Routes without a scope: ${bare.join(', ')}. Declare @RequireScope('…') or @Public() on each.`,
    );
  }

  private bareRoutes(controller: unknown): string[] {
    if (typeof controller !== 'function') return [];
    const { name, prototype } = controller;
    return this.scanner
      .getAllMethodNames(prototype)
      .filter((method) => this.isBareRoute(controller, prototype[method]))
      .map((method) => `${name}.${method}`);
  }

  // biome-ignore lint/complexity/noBannedTypes: Nest's reflector knows classes and methods as Function
  private isBareRoute(controller: Function, method: Function): boolean {
    if (Reflect.getMetadata(PATH_METADATA, method) === undefined) return false;
    const declared = [PUBLIC, REQUIRED_SCOPE].map((key) =>
      this.reflector.getAllAndOverride<unknown>(key, [method, controller]),
    );
    return declared.every((value) => value === undefined);
  }
}
