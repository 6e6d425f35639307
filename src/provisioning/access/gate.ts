import type { ProbeAnswer } from '../../infra/hba/probe.js';
import type { AccessPlan } from './access-plan.js';

/** One port's HBA file and the server that goes by it. */
export interface Gate {
  /** The server, for people. */
  readonly name: string;
  read(): Promise<string>;
  /** The text that puts the plan in force and gives the probe this answer. */
  render(former: string, plan: AccessPlan, probe: ProbeAnswer): string;
  write(text: string): Promise<void>;
  /** Has the server read the file; throws when it is known to refuse it. */
  reload(): Promise<void>;
  /** What the probe gets at this moment. */
  ask(): Promise<ProbeAnswer>;
  /** Completes "… does not go by its rules: ". */
  readonly suspicion: string;
}
