/**
 * Runs a piece of work at most once at a time. Whoever asks while it runs shares the next run, since the present one
 * may have begun too early to see what they want.
 */
export class Coalescer {
  private running: Promise<void> | null = null;
  private next: Promise<void> | null = null;

  constructor(private readonly work: () => Promise<void>) {}

  run(): Promise<void> {
    if (!this.running) return this.start();
    this.next ??= this.running
      .catch(() => {})
      .then(() => {
        this.next = null;
        return this.start();
      });
    return this.next;
  }

  /** Resolves when nothing runs and nothing is about to. */
  async idle(): Promise<void> {
    for (let last = this.next ?? this.running; last; last = this.next ?? this.running) {
      await last.catch(() => {});
    }
  }

  private start(): Promise<void> {
    const run = this.work().finally(() => {
      if (this.running === run) this.running = null;
    });
    this.running = run;
    return run;
  }
}
