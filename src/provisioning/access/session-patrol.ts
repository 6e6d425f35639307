import { Injectable } from '@nestjs/common';
import { settleAll } from '../../kernel/settle-all.js';
import type { ManagedServer } from '../managed-server.js';
import { StuckSessions } from '../stuck-sessions.js';
import type { AccessPlan } from './access-plan.js';
import { type DirectSession, sweepDirect } from './direct-sweep.js';
import { guardsAnything } from './plan-names.js';
import { sweepPooled } from './pooled-sweep.js';

const PATIENCE_MS = 4_000;

/** Ends the sessions that a plan does not allow, and no others where the server has a way to. */
@Injectable()
export class SessionPatrol {
  /** When each session that was still there at the last sweep was first told to end, by `performance.now()`. */
  private told: ReadonlyMap<string, number> = new Map();

  constructor(private readonly stuck: StuckSessions) {}

  async sweep(server: ManagedServer, plan: AccessPlan): Promise<void> {
    if (!guardsAnything(plan)) return;
    const [doomed] = await settleAll([sweepDirect(server, plan), sweepPooled(server, plan)]);
    await this.noteOverdue(server, doomed);
  }

  private async noteOverdue(server: ManagedServer, doomed: readonly DirectSession[]): Promise<void> {
    const now = performance.now();
    const since = doomed.map((session) => this.told.get(keyOf(server, session)) ?? now);
    this.told = new Map(doomed.map((session, at) => [keyOf(server, session), since[at] ?? now]));
    const overdue = doomed.filter((_session, at) => now - (since[at] ?? now) > PATIENCE_MS);
    if (overdue.length === 0) return;
    await this.stuck.note(
      server,
      overdue.map(({ pid }) => pid),
    );
  }
}

function keyOf({ id }: ManagedServer, { pid, startedAt }: DirectSession): string {
  return `${id} ${pid} ${startedAt}`;
}
