import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';

/** More gain little: they wait for the same disk, and each other's locks on the catalogs. */
export const MAX_PER_HOST = 4;

/** A tenant on its way, with what is known of it so far. */
export interface QueuedTenant {
  readonly home: TenantHome;
  readonly ring: number;
  /** The version that it has reached. */
  version: number;
  attempts: number;
}

interface Delayed {
  readonly tenant: QueuedTenant;
  /** By `performance.now()`. */
  readonly dueAt: number;
}

interface HostQueue {
  readonly waiting: QueuedTenant[];
  at: number;
  delayed: Delayed[];
  workers: number;
}

/**
 * The tenants of a ring, by hosting database. A worker stays in its database as long as there is something to do, since
 * a session there is what costs; tenants that shall be tried again later keep nobody waiting.
 */
export class TenantQueue {
  private readonly hosts = new Map<string, HostQueue>();
  private open: number;

  constructor(
    tenants: readonly QueuedTenant[],
    private readonly now: () => number = () => performance.now(),
  ) {
    this.open = tenants.length;
    for (const tenant of tenants) this.hostOf(tenant).waiting.push(tenant);
  }

  /** Whether every tenant is settled. */
  get isDone(): boolean {
    return this.open === 0;
  }

  /** The next tenant for a worker that is in a database, or in none; null when nothing is due. */
  take(databaseName: string | null): QueuedTenant | null {
    const present = databaseName === null ? undefined : this.hosts.get(databaseName);
    const here = present && this.next(present);
    if (here) return here;
    const [name, host] = this.busiest() ?? [];
    if (!host || name === databaseName) return null;
    const tenant = this.next(host);
    if (!tenant) return null;
    if (present) present.workers -= 1;
    host.workers += 1;
    return tenant;
  }

  /** The worker goes. */
  leave(databaseName: string): void {
    const host = this.hosts.get(databaseName);
    if (host) host.workers -= 1;
  }

  postpone(tenant: QueuedTenant, delayMs: number): void {
    this.hostOf(tenant).delayed.push({ tenant, dueAt: this.now() + delayMs });
  }

  settle(): void {
    this.open -= 1;
  }

  private hostOf({ home: { databaseName } }: QueuedTenant): HostQueue {
    const known = this.hosts.get(databaseName);
    if (known) return known;
    const host: HostQueue = { waiting: [], at: 0, delayed: [], workers: 0 };
    this.hosts.set(databaseName, host);
    return host;
  }

  /** The database with room for another worker in which most waits. */
  private busiest(): [string, HostQueue] | null {
    let best: [string, HostQueue] | null = null;
    for (const entry of this.hosts) {
      const [, host] = entry;
      if (host.workers >= MAX_PER_HOST || this.dueOf(host) === 0) continue;
      if (!best || this.dueOf(host) > this.dueOf(best[1])) best = entry;
    }
    return best;
  }

  private dueOf(host: HostQueue): number {
    const now = this.now();
    return host.waiting.length - host.at + host.delayed.filter(({ dueAt }) => dueAt <= now).length;
  }

  private next(host: HostQueue): QueuedTenant | null {
    const now = this.now();
    const due = host.delayed.findIndex(({ dueAt }) => dueAt <= now);
    if (due >= 0) return host.delayed.splice(due, 1)[0]?.tenant ?? null;
    const tenant = host.waiting[host.at];
    if (!tenant) return null;
    host.at += 1;
    return tenant;
  }
}
