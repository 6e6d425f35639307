import { isSessionLost, isUnavailable, sqlState } from '../../infra/postgres/sqlstate.js';
import type { HealthPartDto } from './health.dto.js';

const TIMEOUT_MS = 2_000;
/** The class of SQLSTATEs of a server that is there and full. */
const INSUFFICIENT_RESOURCES = '53';

export interface Probe {
  readonly name: string;
  readonly needed: boolean;
  ask(): Promise<unknown>;
}

/** Asks a part whether it answers, for two seconds at most. Never throws. */
export async function runProbe({ name, needed, ask }: Probe): Promise<HealthPartDto> {
  const start = performance.now();
  try {
    await withTimeout(askTwice(ask));
    const latency = Math.round((performance.now() - start) * 10) / 10;
    return { name, needed, status: 'up', latency_ms: latency, reason: null };
  } catch (error) {
    return { name, needed, status: 'down', latency_ms: null, reason: reasonOf(error) };
  }
}

/** A session that ended is no news of the server; a new one is. */
function askTwice(ask: Probe['ask']): Promise<unknown> {
  return ask().catch((error: unknown) => {
    if (!isSessionLost(error)) throw error;
    return ask();
  });
}

async function withTimeout(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ProbeTimeout()), TIMEOUT_MS);
  });
  await Promise.race([answer, timeout]).finally(() => clearTimeout(timer));
}

class ProbeTimeout extends Error {}

/** Open to everybody, so it tells the kind of failure and no hosts, users or messages. */
export function reasonOf(error: unknown): string {
  if (error instanceof ProbeTimeout) return `no answer within ${TIMEOUT_MS / 1000} s`;
  const state = sqlState(error);
  if (isUnavailable(error) && !state?.startsWith(INSUFFICIENT_RESOURCES)) return 'does not answer';
  if (state) return `SQLSTATE ${state}`;
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[A-Z_]+$/.test(code) ? code : 'does not answer';
}
