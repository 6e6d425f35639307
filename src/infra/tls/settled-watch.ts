export interface SettledWatchOptions {
  /** What is watched, as one text. Never throws. */
  read(): Promise<string>;
  /** What was read and acted upon before the watch. */
  readonly known: string;
  /** Whether it is done; otherwise the same content is tried again after `retryMs`. Never throws. */
  onChange(): Promise<boolean>;
  readonly everyMs: number;
  readonly retryMs: number;
}

/**
 * Asks again and again instead of waiting for events: links that are replaced, network file systems and bind mounts
 * bring none. Several files don't change at one moment, so a change counts only once it was seen twice.
 */
export class SettledWatch {
  private known: string;
  private seen: string;
  private retryAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private look: Promise<void> = Promise.resolve();

  constructor(private readonly options: SettledWatchOptions) {
    this.known = options.known;
    this.seen = options.known;
  }

  start(): void {
    this.timer = setTimeout(() => {
      this.look = this.lookOnce().finally(() => {
        if (this.timer) this.start();
      });
    }, this.options.everyMs).unref();
  }

  /** Resolves when a change that is being acted upon is done. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.look;
  }

  private async lookOnce(): Promise<void> {
    const content = await this.options.read();
    const isSettled = content === this.seen;
    if (!isSettled) this.retryAt = 0;
    this.seen = content;
    if (!isSettled || content === this.known || Date.now() < this.retryAt) return;
    if (await this.options.onChange()) this.known = content;
    else this.retryAt = Date.now() + this.options.retryMs;
  }
}
