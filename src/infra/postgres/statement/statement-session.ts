import type { Client, ClientConfig, Submittable } from 'pg';
import { openSession } from '../open-session.js';
import { cutOff, type Exchange, stopReading, watchBuffer, watchCopy } from './wire.js';

/** A connection for one statement; it is closed afterwards, whatever the statement did to its session. */
export class StatementSession {
  private readonly interrupted: Promise<never>;
  private reject: (error: unknown) => void = () => {};
  private isInterrupted = false;

  private constructor(readonly client: Client) {
    this.interrupted = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.interrupted.catch(() => {});
  }

  static async open(config: ClientConfig): Promise<StatementSession> {
    return new StatementSession(await openSession(config));
  }

  /** The server process that works for it. */
  get processId(): number {
    return (this.client as unknown as { processID: number }).processID;
  }

  /** Whether something was left running in it. */
  get wasInterrupted(): boolean {
    return this.isInterrupted;
  }

  /** Whether a transaction is open, and none of its statements has failed. */
  get isInTransaction(): boolean {
    return this.client.getTransactionStatus() === 'T';
  }

  /** Makes what is being waited for throw this, and reads no more. The server is not asked to stop. */
  interrupt(error: unknown): void {
    this.isInterrupted = true;
    stopReading(this.client);
    this.reject(error);
  }

  onCopy(interrupt: () => unknown): void {
    watchCopy(this.client, () => this.interrupt(interrupt()));
  }

  /** For a message of more bytes than this, of which no more is held. */
  onLargeMessage(limit: number, interrupt: () => unknown): void {
    watchBuffer(this.client, limit, () => this.interrupt(interrupt()));
  }

  exchange<T>(exchange: Exchange<T>): Promise<T> {
    this.client.query(exchange as unknown as Submittable);
    return this.unlessInterrupted(exchange.done);
  }

  unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    return Promise.race([this.interrupted, work]);
  }

  async close(): Promise<void> {
    if (this.isInterrupted) cutOff(this.client);
    else await this.client.end().catch(() => {});
  }
}
