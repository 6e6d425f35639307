import { Injectable } from '@nestjs/common';
import type { ManagedServer } from './managed-server.js';
import { pollUntil } from './poll.js';
import { StuckSessions, waitsFor } from './stuck-sessions.js';

const PATIENCE_MS = 15_000;
/** For sessions that are known to live on. */
const SHORT_PATIENCE_MS = 1_000;

export interface Ending {
  /** Terminates sessions, and gives the process ids of those that live. */
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Completes "Waited in vain for …". */
  readonly what: string;
  /** A login that was under way shows up in the statistics only when it is done: two looks find it. The default. */
  readonly looks?: 1 | 2;
}

/** Ends sessions, and remembers those that do not. */
@Injectable()
export class SessionEnd {
  constructor(private readonly stuck: StuckSessions) {}

  /** Throws SERVICE_UNAVAILABLE, which names a session that lives on. */
  async await(server: ManagedServer, { sql, parameters, what, looks = 2 }: Ending): Promise<void> {
    let alive: number[] = [];
    let quietLooks = 0;
    const areOver = async () => {
      alive = (await server.postgres.query<{ pid: number }>(sql, parameters)).map(({ pid }) => pid);
      quietLooks = alive.length === 0 ? quietLooks + 1 : 0;
      return quietLooks === looks;
    };
    const poll = (timeoutMs: number) => pollUntil(areOver, { timeoutMs, what });
    try {
      await poll(SHORT_PATIENCE_MS);
    } catch (error) {
      if (await this.areKnown(server, alive)) throw await this.named(server, { alive, error });
      await poll(PATIENCE_MS - SHORT_PATIENCE_MS).catch(async (late: unknown) => {
        await this.stuck.note(server, alive);
        throw await this.named(server, { alive, error: late });
      });
    }
  }

  private async areKnown(server: ManagedServer, alive: readonly number[]): Promise<boolean> {
    const known = new Set((await this.stuck.look(server)).map(({ pid }) => pid));
    return alive.length > 0 && alive.every((pid) => known.has(pid));
  }

  private async named(
    server: ManagedServer,
    { alive, error }: { alive: readonly number[]; error: unknown },
  ): Promise<unknown> {
    const session = (await this.stuck.list(server)).find(({ pid }) => alive.includes(pid));
    return session ? waitsFor(session) : error;
  }
}
