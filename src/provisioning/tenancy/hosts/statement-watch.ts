import type { EventEmitter } from 'node:events';
import type { Client } from 'pg';
import { STATEMENT_TIMEOUT_MS } from '../../../infra/postgres/admin-connection.js';

const LOOK_MS = 5_000;
const GRACE_MS = 10_000;
const SETTING = /statement_timeout\s*(?:=|TO)\s*'?(\d+)\s*(ms|s|min|h)?/gi;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

type Internals = Client & { readonly readyForQuery: boolean; readonly connection: EventEmitter };

/**
 * `statement_timeout` is a cancellation, and code of a tenant's that runs in the session may catch it and go on
 * (PostgreSQL manual, 43.6.8). So a statement that outlives its timeout costs its session, which nothing can catch.
 */
export class StatementWatch {
  private limitMs = STATEMENT_TIMEOUT_MS;
  private isReset = false;
  private wasBusy = false;
  private progressAt = 0;

  constructor(
    private readonly client: Client,
    private readonly terminate: () => Promise<unknown>,
  ) {}

  /** Begins with the session and ends with it. */
  start(): void {
    const { client } = this;
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      this.note(given[0]);
      return query(...given);
    }) as typeof client.query;
    (client as Internals).connection.on('commandComplete', () => {
      this.progressAt = Date.now();
    });
    const timer = setInterval(() => this.look(), LOOK_MS).unref();
    client.once('end', () => clearInterval(timer));
  }

  /** Each statement of a message has the timeout for itself. What was allowed once counts until all settings are reset. */
  private note(query: unknown): void {
    const text = typeof query === 'string' ? query : ((query as { text?: unknown } | null)?.text ?? '');
    if (typeof text !== 'string') return;
    if (this.isReset) this.limitMs = STATEMENT_TIMEOUT_MS;
    this.isReset = /\b(RESET|DISCARD) ALL\b/.test(text);
    for (const [, number, unit = 'ms'] of text.matchAll(SETTING)) {
      const ms = Number(number) * (UNITS[unit.toLowerCase()] ?? 1);
      this.limitMs = Math.max(this.limitMs, ms === 0 ? Number.POSITIVE_INFINITY : ms);
    }
  }

  private look(): void {
    const isBusy = !(this.client as Internals).readyForQuery;
    if (isBusy && !this.wasBusy) this.progressAt = Date.now();
    this.wasBusy = isBusy;
    if (!isBusy || Date.now() - this.progressAt <= this.limitMs + GRACE_MS) return;
    this.progressAt = Date.now();
    void this.terminate().catch(() => {});
  }
}
