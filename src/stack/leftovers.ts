import { setTimeout as delay } from 'node:timers/promises';
import { findProcessesIn } from '../infra/process/process-table.js';
import type { StopStage } from '../infra/process/supervised-process.js';

const POLL_MS = 50;
const KILL: StopStage = { signal: 'SIGKILL', waitMs: 10_000 };

export interface Leftovers {
  readonly name: string;
  readonly directory: string;
  readonly programs: readonly string[];
  readonly stages: readonly StopStage[];
  readonly report: (line: string) => void;
}

/** Ends what a killed run left in one of our directories. Throws when something there cannot be ended. */
export async function stopLeftovers({ name, directory, programs, stages, report }: Leftovers): Promise<void> {
  const find = () => findProcessesIn(directory, programs);
  const found = find();
  if (found.length === 0) return;
  report(`Found ${name} of an earlier run (process ${found.join(', ')}); it may take a minute to end`);
  for (const { signal, waitMs } of [...stages, KILL]) {
    for (const pid of find()) send(pid, signal);
    const deadline = Date.now() + waitMs;
    while (Date.now() < deadline) {
      if (find().length === 0) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`${name} of an earlier run does not end (process ${find().join(', ')})`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
