import { Presets, SingleBar } from 'cli-progress';
import { print } from './progress.js';

/** What the commands read of a migration's answer. */
export interface Migration {
  readonly id: string;
  readonly version: number;
  readonly dry_run: boolean;
  readonly state: string;
  readonly ring: number | null;
  readonly rate: number | null;
  readonly totals: {
    readonly tenants: number;
    readonly pending: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
  };
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly report:
    | readonly {
        readonly from_version: number;
        readonly tenants: number;
        readonly state: string;
        readonly duration_ms: number;
        readonly error: { readonly message: string } | null;
      }[]
    | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

export interface Progress {
  show(migration: Migration): void;
  stop(): void;
}

const LINE_INTERVAL_MS = 2_000;
const FORMAT = '{bar} {percentage}% | {value}/{total} tenants | {failed} failed | {ring} | {rate}/s';

/** A bar on a terminal, else a line now and then. */
export function createProgress(isTerminal: boolean = process.stdout.isTTY === true): Progress {
  return isTerminal ? new BarProgress() : new LineProgress();
}

class BarProgress implements Progress {
  private readonly bar = new SingleBar(
    { format: FORMAT, stream: process.stdout, hideCursor: true },
    Presets.shades_classic,
  );
  private isStarted = false;

  show(migration: Migration): void {
    const { tenants, pending, failed } = migration.totals;
    if (tenants === 0) return;
    const payload = { failed, ring: ringName(migration), rate: migration.rate ?? '–' };
    if (!this.isStarted) this.bar.start(tenants, 0, payload);
    this.isStarted = true;
    this.bar.setTotal(tenants);
    this.bar.update(tenants - pending, payload);
  }

  stop(): void {
    if (this.isStarted) this.bar.stop();
  }
}

class LineProgress implements Progress {
  private shownAt = Number.NEGATIVE_INFINITY;

  show(migration: Migration): void {
    const { tenants, pending, failed } = migration.totals;
    if (tenants === 0 || performance.now() - this.shownAt < LINE_INTERVAL_MS) return;
    this.shownAt = performance.now();
    const rate = migration.rate === null ? '' : `, ${migration.rate}/s`;
    print(`${tenants - pending}/${tenants} tenants, ${failed} failed, ${ringName(migration)}${rate}`);
  }

  stop(): void {}
}

function ringName({ ring, state }: Migration): string {
  if (ring === null) return state;
  return ring === 0 ? 'canary' : `ring ${ring}`;
}
