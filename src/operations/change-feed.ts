import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Tells the listeners of this process at once what their polling of the control database would tell them later. */
@Injectable()
export class ChangeFeed implements OnModuleDestroy {
  private readonly subscriptions = new Map<string, Set<Subscription>>();

  /** How many operations somebody follows. */
  get size(): number {
    return this.subscriptions.size;
  }

  subscribe(operationId: string): Subscription {
    const subscription = new Subscription(() => this.remove(operationId, subscription));
    const others = this.subscriptions.get(operationId);
    if (others) others.add(subscription);
    else this.subscriptions.set(operationId, new Set([subscription]));
    return subscription;
  }

  announce(operationId: string): void {
    for (const subscription of this.subscriptions.get(operationId) ?? []) subscription.wake();
  }

  onModuleDestroy(): void {
    for (const group of [...this.subscriptions.values()])
      for (const subscription of group) subscription.close();
  }

  private remove(operationId: string, subscription: Subscription): void {
    const group = this.subscriptions.get(operationId);
    if (group?.delete(subscription) && group.size === 0) this.subscriptions.delete(operationId);
  }
}

export class Subscription {
  private isDue = false;
  private isClosed = false;
  private resume: (() => void) | null = null;

  constructor(private readonly onClose: () => void) {}

  get closed(): boolean {
    return this.isClosed;
  }

  /** Waits for a change since the last call, for the time to pass, or for the subscription to be closed. */
  async next(atMostMs: number): Promise<void> {
    if (!this.isDue && !this.isClosed) await this.pause(atMostMs);
    this.isDue = false;
  }

  wake(): void {
    this.isDue = true;
    this.resume?.();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.resume?.();
    this.onClose();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.resume?.(), ms);
      this.resume = () => {
        clearTimeout(timer);
        this.resume = null;
        resolve();
      };
    });
  }
}
