import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import type { DiscoveryService, MetadataScanner } from '@nestjs/core';

/** A route as its controller declares it. */
export interface DeclaredRoute {
  /** `DatabasesController.getDatabase`. */
  readonly name: string;
  /** Without the global prefix, with its parameters: `databases/:id`. */
  readonly path: string;
  /** The method and the class, for the reflector. */
  // biome-ignore lint/complexity/noBannedTypes: Nest's reflector knows classes and methods as Function
  readonly targets: [Function, Function];
}

/** Every route of every controller. */
export function routesOf(discovery: DiscoveryService, scanner: MetadataScanner): DeclaredRoute[] {
  return discovery.getControllers().flatMap(({ metatype }) => {
    if (typeof metatype !== 'function') return [];
    const { prototype } = metatype;
    return scanner
      .getAllMethodNames(prototype)
      .filter((method) => Reflect.getMetadata(METHOD_METADATA, prototype[method]) !== undefined)
      .map((method) => ({
        name: `${metatype.name}.${method}`,
        path: `${pathOf(metatype)}/${pathOf(prototype[method])}`,
        targets: [prototype[method], metatype],
      }));
  });
}

function pathOf(target: object): string {
  return [Reflect.getMetadata(PATH_METADATA, target) ?? ''].flat().join(' ');
}
