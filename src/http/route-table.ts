import { Injectable } from '@nestjs/common';
import type { RouteOptions } from 'fastify';

interface KnownRoute {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

/** Which methods a path takes, so that a wrong method is told from a wrong path. */
@Injectable()
export class RouteTable {
  private readonly routes: KnownRoute[] = [];

  add({ url, method }: Pick<RouteOptions, 'url' | 'method'>): void {
    this.routes.push({ pattern: toPattern(url), methods: [method].flat() });
  }

  /** Empty for an unknown path. */
  methodsOf(url: string): string[] {
    const [path = ''] = url.split('?');
    const found = this.routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(found)].sort();
  }
}

function toPattern(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    if (part === '*') return '.*';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
