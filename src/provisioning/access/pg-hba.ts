import { renderHbaLine } from '../../infra/hba/hba-line.js';
import { PROBE_DATABASE, type ProbeAnswer, probeLines } from '../../infra/hba/probe.js';
import type { AccessPlan } from './access-plan.js';
import { guardLines } from './guard-lines.js';

/**
 * Rowhouse's lines in pg_hba.conf. The probe is asked as a role that is not there either: PostgreSQL asks such a one
 * for its password too, and nobody can learn anything by it.
 */
export function renderPgHba(plan: AccessPlan, probe: ProbeAnswer): string {
  return [...probeLines(PROBE_DATABASE, probe), ...guardLines(plan, 'direct')].map(renderHbaLine).join('');
}
