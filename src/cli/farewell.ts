import { print } from './progress.js';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Does `work`; a signal that ends the command meanwhile makes it say `words` last, since what it follows goes on without
 * it. The exit code is a shell's, 128 and the signal's number.
 */
export async function withFarewell<T>(words: () => string, work: () => Promise<T>): Promise<T> {
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => {
    const leave = () => {
      print(words());
      process.exit(code);
    };
    process.once(signal, leave);
    return { signal, leave };
  });
  try {
    return await work();
  } finally {
    for (const { signal, leave } of handlers) process.off(signal, leave);
  }
}
