import { Injectable } from '@nestjs/common';
import { settleAll } from '../../kernel/settle-all.js';
import type { ManagedServer } from '../managed-server.js';
import type { AccessPlan } from './access-plan.js';
import { sweepDirect } from './direct-sweep.js';
import { guardsAnything } from './plan-names.js';
import { sweepPooled } from './pooled-sweep.js';

/** Ends the sessions that a plan does not allow, and no others where the server has a way to. */
@Injectable()
export class SessionPatrol {
  async sweep(server: ManagedServer, plan: AccessPlan): Promise<void> {
    if (!guardsAnything(plan)) return;
    await settleAll([sweepDirect(server, plan), sweepPooled(server, plan)]);
  }
}
