import type { Operation } from '../../../operations/operation.types.js';
import type { TemplateVersion } from '../../../provisioning/tenancy/templates/template-store.js';
import type { Migration, MigrationError } from '../migration.js';

/** What one run of a migration shares: whether, and why, it shall stop. */
export class RunControl {
  private isRequested = false;
  private isPaused = false;
  private reason: MigrationError | null = null;
  private failure: { readonly error: unknown } | null = null;

  constructor(private readonly signal: AbortSignal) {}

  /** Then no further tenant is begun; those at work are finished. */
  get isStopped(): boolean {
    return this.isRequested || this.isPaused || this.failure !== null || this.signal.aborted;
  }

  /** Whether it shall rest without that somebody asked, and why; the reason is null after a canary that is well. */
  get pause(): { readonly reason: MigrationError | null } | null {
    return this.isPaused ? { reason: this.reason } : null;
  }

  /** Somebody asked for it. */
  stop(): void {
    this.isRequested = true;
  }

  rest(reason: MigrationError | null): void {
    this.isPaused = true;
    this.reason ??= reason;
  }

  /** What concerns no single tenant, such as a server that is away. */
  abort(error: unknown): void {
    this.failure ??= { error };
  }

  throwIfAborted(): void {
    this.signal.throwIfAborted();
    if (this.failure) throw this.failure.error;
  }
}

export interface RunContext {
  readonly migration: Migration;
  readonly operation: Operation;
  readonly signal: AbortSignal;
  readonly control: RunControl;
}

/** The versions to apply, in their order. */
export type Versions = readonly TemplateVersion[];
