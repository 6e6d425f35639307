const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal sends Ctrl-C to npm and to us, and npm passes it on: two signals, one wish. */
const ECHO_MS = 1000;

/** Calls `stop` at the first signal that asks for an end. A second one, later, ends the process at once. */
export function onStopSignal(stop: () => void | Promise<void>): void {
  let firstAt: number | null = null;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (firstAt === null) {
        firstAt = Date.now();
        void stop();
      } else if (Date.now() - firstAt > ECHO_MS) {
        process.exit(1);
      }
    });
  }
}
