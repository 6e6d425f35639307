import { setTimeout as delay } from 'node:timers/promises';
import { type Certbot, explainCertbot } from '../../infra/acme/certbot.js';

export interface RenewalTimes {
  readonly everyMs: number;
  readonly firstRetryMs: number;
}

/** Let's Encrypt refuses a name for an hour after five failures: four fit into the first hour. */
const TIMES: RenewalTimes = { everyMs: 12 * 3_600_000, firstRetryMs: 5 * 60_000 };

/** Asks for a certificate at once, and whether it is due twice a day. A failure is told, and tried again. */
export class AcmeRenewal {
  private readonly aborter = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly certbot: Certbot,
    private readonly report: (line: string) => void,
    private readonly times: RenewalTimes = TIMES,
  ) {}

  start(): void {
    this.running = this.repeat();
  }

  /** Ends certbot where it works. */
  async stop(): Promise<void> {
    this.aborter.abort();
    await this.running;
  }

  private async repeat(): Promise<void> {
    const { signal } = this.aborter;
    for (let failures = 0; !signal.aborted; ) {
      failures = (await this.obtain(failures)) ? 0 : failures + 1;
      const wait = waitAfter(failures, this.times);
      await delay(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async obtain(failures: number): Promise<boolean> {
    try {
      await this.certbot.obtain(this.aborter.signal);
      return true;
    } catch (error) {
      if (this.aborter.signal.aborted) return false;
      const minutes = Math.ceil(waitAfter(failures + 1, this.times) / 60_000);
      this.report(`certbot got no certificate, next attempt in ${minutes} min: ${explainCertbot(error)}`);
      return false;
    }
  }
}

/** Doubles from the first retry on, and is never longer than the time between two checks. */
export function waitAfter(failures: number, { everyMs, firstRetryMs }: RenewalTimes): number {
  return failures === 0 ? everyMs : Math.min(firstRetryMs * 2 ** (failures - 1), everyMs);
}
