import type { LeakVerdict } from './leak-judgement.js';

export interface LeakFinding extends LeakVerdict {
  readonly door: string;
  readonly attack: string;
  /** Whether B was served by the server process that had served A. */
  readonly sharedConnection: boolean;
}

export interface LeakReport {
  readonly passed: boolean;
  readonly findings: readonly LeakFinding[];
  /** Doors that could not be tried. */
  readonly skipped: readonly { readonly door: string; readonly reason: string }[];
  /** Server processes that worked for the two tenants. */
  readonly connections: number;
}
