import { Injectable } from '@nestjs/common';
import type { OperationHandler, OperationLane } from './operation.types.js';

/** Which handler runs which kind of operation. */
@Injectable()
export class OperationHandlers {
  private readonly handlers = new Map<string, OperationHandler>();

  kindsOf(lane: OperationLane): string[] {
    const handlers = [...this.handlers.values()];
    return handlers.filter((handler) => (handler.lane ?? 'short') === lane).map(({ kind }) => kind);
  }

  register(handler: OperationHandler): void {
    if (this.handlers.has(handler.kind)) throw new Error(`two handlers for ${handler.kind}`);
    this.handlers.set(handler.kind, handler);
  }

  get(kind: string): OperationHandler {
    const handler = this.handlers.get(kind);
    if (!handler) throw new Error(`no handler for ${kind}`);
    return handler;
  }
}
