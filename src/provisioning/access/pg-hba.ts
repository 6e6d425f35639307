import { renderHbaLine } from '../../infra/hba/hba-line.js';
import { PROBE_DATABASE, type ProbeAnswer, probeLines } from '../../infra/hba/probe.js';

/**
 * Rowhouse's lines in pg_hba.conf. The probe is asked as a role that is not there either: PostgreSQL asks such a one
 * for its password too, and nobody can learn anything by it.
 */
export function renderPgHba(guards: string, probe: ProbeAnswer): string {
  return `${probeLines(PROBE_DATABASE, probe).map(renderHbaLine).join('')}${guards}`;
}
