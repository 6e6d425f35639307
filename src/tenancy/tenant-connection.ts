import { setTimeout as pause } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { requestCancel } from './cancel-request.js';

const CANCEL_PATIENCE_MS = 2_000;
const ANSWER_PATIENCE_MS = 5_000;
const LOOK_AGAIN_MS = 2;

/** A connection as a driver lends it for one transaction. */
export interface Lease<Handle> {
  readonly client: ClientBase;
  /** What the work gets, over a guarded connection. */
  present(client: ClientBase): Handle;
  /** Before and after COMMIT, for those who want to know of it. */
  committing?(): Promise<void>;
  committed?(): Promise<void>;
  /** Gives the connection back; a broken one is closed instead. */
  release(isBroken: boolean): void;
}

/** What the transaction itself does on its connection, past the guard. */
export class TenantConnection {
  isLost = false;
  private savepoints = 0;

  constructor(private readonly client: ClientBase) {
    client.on('error', this.lose);
  }

  nextSavepoint(): string {
    this.savepoints += 1;
    return `tenancy_${this.savepoints}`;
  }

  /** Returns PostgreSQL's command tag. */
  async send(statement: string): Promise<string> {
    return (await this.client.query(statement)).command;
  }

  /** Whether the statement was done in a time in which a server that is there answers. */
  async trySend(statement: string): Promise<boolean> {
    if (this.isLost) return false;
    const late = new AbortController();
    const done = this.send(statement).then(
      () => true,
      () => false,
    );
    const timeUp = pause(ANSWER_PATIENCE_MS, false, { signal: late.signal }).catch(() => false);
    try {
      return await Promise.race([done, timeUp]);
    } finally {
      late.abort();
    }
  }

  /** Cancels what runs. Returns whether the connection can be used again. */
  async quieten(): Promise<boolean> {
    if (this.isReady) return true;
    await requestCancel(this.client);
    return this.becomesReady(CANCEL_PATIENCE_MS);
  }

  /** Whether nothing runs on it any more, soon. An error is told a moment before the connection is ready again. */
  async becomesReady(timeoutMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + timeoutMs;
    while (!this.isReady) {
      if (this.isLost || performance.now() > giveUpAt) return false;
      await pause(LOOK_AGAIN_MS);
    }
    return true;
  }

  /** To be called once, before it is given back. */
  detach(): void {
    this.client.off('error', this.lose);
  }

  /** node-postgres does not declare the property; the native client lacks it. */
  private get isReady(): boolean {
    return !this.isLost && (this.client as { readyForQuery?: boolean }).readyForQuery !== false;
  }

  /** Without a listener, a connection that breaks between two queries would end the process. */
  private readonly lose = () => {
    this.isLost = true;
  };
}
